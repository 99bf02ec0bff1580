// The deserializers of one member: they settle at once, soon, late and in any order, or not before the run lets
// them, and some refuse records, for a time or for good. What they notice: calls after close(), and more of them at
// once than the slices of the partitions have records.

import type { DeserializationError } from '../../../src/errors.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import type { Deserializer } from '../../../src/types.ts'
import type { Oracle } from './log-oracle.ts'
import { type Joining, type Plan, retryTopics } from './plan.ts'

/** Lets deserializers wait until their results are no longer wanted. */
export class LateResults {
  private readonly waiting = new Set<() => void>()
  /** Records that a deserializer was late for: it is so once. */
  private readonly ids = new Set<number>()
  private isOver = false

  /** Settles with `settle` or `end`; at once when it did so for this record before. */
  wait(id: number): Promise<void> {
    if (this.isOver || this.ids.has(id)) return Promise.resolve()
    this.ids.add(id)
    return new Promise((resolve) => this.waiting.add(resolve))
  }

  settle(): void {
    for (const resolve of this.waiting) resolve()
    this.waiting.clear()
  }

  /** No deserializer waits from now on. */
  end(): void {
    this.isOver = true
    this.settle()
  }
}

export class MemberDeserializers {
  private readonly how: Joining
  private readonly oracle: Oracle
  private readonly late: LateResults
  private readonly mostAtOnce: number
  private readonly refusals = new Map<number, number>()
  private pending = 0
  private isClosed = false

  constructor(how: Joining, plan: Plan, oracle: Oracle, late: LateResults) {
    this.how = how
    this.oracle = oracle
    this.late = late
    const isRetrying = how.mode === 'retry' || how.mode === 'retryKey'
    const partitions = plan.partitions + (isRetrying ? 2 * retryTopics.length : 0)
    // A slice of each partition, and what handlers are called again for.
    this.mostAtOnce = 2 * how.maxPollRecords * partitions + how.concurrency
  }

  get value(): Deserializer<unknown> | undefined {
    switch (this.how.deserializer) {
      case 'none':
        return undefined
      case 'sync':
        return { isSync: true, deserialize: String }
      default:
        return { deserialize: (bytes) => this.deserialize(Number(bytes)) }
    }
  }

  get key(): Deserializer<unknown> | undefined {
    if (!this.how.deserializesKeys) return undefined
    return { deserialize: async (bytes) => (bytes === null ? null : String(bytes)) }
  }

  /** Whether it waits with a record, as it may until its member has ended. */
  get isStuck(): boolean {
    return this.how.deserializer === 'stuck' && this.pending > 0
  }

  /** Whether the deserializer refuses a record whenever it is asked. */
  isPoison(id: number): boolean {
    return this.refuses(id) && this.isRefusedForGood
  }

  refuses(id: number): boolean {
    return this.how.deserializer === 'refusing' && id % 6 === 5
  }

  /** The consumer has told of a record that it leaves out. */
  leftOut(error: DeserializationError): void {
    this.requireOpen('onPoisonRecord was called')
    const { topic, partition, offset, rawValue } = error
    this.oracle.refused(Number(rawValue), `${topic}-${partition}@${offset}`)
    if (this.how.poison === 'skip') this.oracle.passedOver(Number(rawValue))
  }

  intercepted(records: readonly ConsumerRecord<unknown, unknown>[]): undefined {
    this.requireOpen('onConsume was called')
    if (records.length > this.how.maxPollRecords) {
      this.oracle.violations.push(`onConsume got ${records.length} records`)
    }
  }

  /** close() has resolved: what was begun before it is void. */
  closed(): void {
    this.isClosed = true
  }

  /** Where nothing takes what is refused, it must be taken in the end. */
  private get isRefusedForGood(): boolean {
    const { poison, mode } = this.how
    return poison !== 'stop' || mode === 'retry' || mode === 'retryKey'
  }

  private deserialize(id: number): unknown {
    this.requireOpen('a deserializer was called')
    const refusals = this.refusals.get(id) ?? 0
    const isRefused = this.refuses(id) && (this.isRefusedForGood || refusals < 2)
    if (isRefused) this.refusals.set(id, refusals + 1)
    if (isRefused && id % 12 === 5) throw new TypeError('planned')
    const delay = this.delayOf(id)
    if (delay === null && !isRefused) return String(id)
    this.pending++
    if (this.pending > this.mostAtOnce * (1 + this.oracle.changes)) {
      this.oracle.violations.push(`${this.pending} deserializers at once`)
    }
    return (delay ?? Promise.resolve()).then(() => {
      this.pending--
      // Not an error, and nothing that can be made text of.
      if (isRefused) throw Object.create(null)
      return String(id)
    })
  }

  /** null: the value is there at once. */
  private delayOf(id: number): Promise<void> | null {
    const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
    switch (this.how.deserializer) {
      case 'async':
        return id % 5 === 0 ? after(1) : Promise.resolve()
      case 'stuck':
        return id % 4 === 0 ? this.late.wait(id) : null
      default:
        return id % 3 === 0 ? null : after((id * 7919) % 23)
    }
  }

  private requireOpen(what: string): void {
    if (this.isClosed) this.oracle.violations.push(`${what} after close()`)
  }
}
