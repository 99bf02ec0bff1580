// Compares what was read back with what was written, record by record: none missing, none doubled, none
// changed, order kept in each partition. A record's key is its number, so each can be named.

/** What was found to be wrong; all zero is what was promised. */
export interface RoundtripFindings {
  missing: number
  doubled: number
  changed: number
  outOfOrder: number
  /** Records that this run did not write. */
  foreign: number
  /** The first few findings, one line each. */
  examples: readonly string[]
}

const MOST_EXAMPLES = 5

export class RoundtripCheck {
  private readonly expected: (i: number) => Buffer
  private readonly count: number
  private readonly seen: Uint8Array
  private readonly lastOfPartition = new Map<number, number>()
  private readonly examples: string[] = []
  private distinct = 0
  private doubled = 0
  private changed = 0
  private outOfOrder = 0
  private foreign = 0

  /**
   * @param count how many records were written, with the keys '0' to `count - 1`
   * @param expected the value of record `i`
   */
  constructor(count: number, expected: (i: number) => Buffer) {
    this.count = count
    this.expected = expected
    this.seen = new Uint8Array(count)
  }

  /** Whether every record that was written has been seen. */
  get isComplete(): boolean {
    return this.distinct === this.count
  }

  take(partition: number, offset: bigint, key: Buffer | null, value: Buffer | null): void {
    const i = key === null ? -1 : numberOf(key)
    if (i < 0 || i >= this.count) {
      this.foreign++
      this.note(`partition ${partition}, offset ${offset}: a record that this run did not write`)
      return
    }
    if (this.seen[i] === 0) {
      this.seen[i] = 1
      this.distinct++
      const last = this.lastOfPartition.get(partition) ?? -1
      if (i < last) {
        this.outOfOrder++
        this.note(
          `partition ${partition}, offset ${offset}: record ${i} stands behind record ${last}`,
        )
      } else {
        this.lastOfPartition.set(partition, i)
      }
    } else {
      this.doubled++
      this.note(`partition ${partition}, offset ${offset}: record ${i} stands there once more`)
    }
    if (value === null || !value.equals(this.expected(i))) {
      this.changed++
      this.note(
        `partition ${partition}, offset ${offset}: record ${i} has other bytes than were sent`,
      )
    }
  }

  findings(): RoundtripFindings {
    const missing = this.count - this.distinct
    if (missing > 0) this.note(`record ${this.seen.indexOf(0)} is the first of those missing`)
    return {
      missing,
      doubled: this.doubled,
      changed: this.changed,
      outOfOrder: this.outOfOrder,
      foreign: this.foreign,
      examples: this.examples,
    }
  }

  private note(example: string): void {
    if (this.examples.length < MOST_EXAMPLES) this.examples.push(example)
  }
}

/** The number that a key of decimal digits spells; -1 for anything else. */
function numberOf(key: Buffer): number {
  if (key.length === 0 || key.length > 15) return -1
  let number = 0
  for (let at = 0; at < key.length; at++) {
    const digit = key[at] - 48
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}
