// What must be true of consumers: no commit passes a record whose handler has not finished, every record is
// handled, and the records of a partition (by key: of a key) begin in their order. Each record has an id of
// its own, as offsets are given again after a truncation.

export interface Entry {
  readonly id: number
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  /** The first offset of its batch: a log is truncated by whole batches. */
  readonly batchStart: number
  starts: number
  isFinished: boolean
  /** It waits in a retry topic: the log that it came from may be committed past it. */
  isForwarded: boolean
  /** It need not be handled: a user went past it, or the log lost it. */
  isExcused: boolean
  /** A user went back before it: no commit passes it before it is handled again. */
  isReopened: boolean
}

interface PartitionModel {
  entries: Entry[]
  end: number
  start: number
  /** Records appended since the log was changed under the consumers, until one of them is seen. */
  unnoticedFrom: number | null
  /** A user went back, and no handler was called since: commits may be on their way. */
  isSeekUnnoticed: boolean
  /**
   * Where a user went, until a record is read there: the position has no leader epoch before, so that a
   * truncation below it cannot be noticed.
   */
  soughtTo: number
}

export class Oracle {
  readonly violations: string[] = []
  /** How often handlers were called. */
  starts = 0
  private readonly byId = new Map<number, Entry>()
  /** What is in each partition of the retry topics. */
  private readonly retryLogs = new Map<string, number[]>()
  private partitions: PartitionModel[]
  private readonly isByKey: boolean
  private readonly holds = new Map<number, { handlers: number; end: Promise<void> }>()
  private nextId = 0

  constructor(count: number, isByKey: boolean) {
    this.isByKey = isByKey
    this.partitions = Array.from({ length: count }, emptyPartition)
  }

  /** Records that are about to be appended. */
  append(partition: number, keys: readonly (string | null)[]): Entry[] {
    const model = this.partitions[partition]
    const batchStart = model.end
    return keys.map((key) => {
      const id = this.nextId++
      const offset = model.end++
      const isExcused = offset < model.soughtTo
      const states = {
        starts: 0,
        isFinished: false,
        isForwarded: false,
        isExcused,
        isReopened: false,
      }
      const entry = { id, partition, offset, key, batchStart, ...states }
      model.entries.push(entry)
      this.byId.set(id, entry)
      return entry
    })
  }

  /** Whether something may wait in a retry topic. */
  get hasForwarded(): boolean {
    return this.retryLogs.size > 0
  }

  endOf(partition: number): number {
    return this.partitions[partition].end
  }

  startOf(partition: number): number {
    return this.partitions[partition].start
  }

  /** The log loses its last `count` records, and what is in a batch with them. Returns its new end. */
  truncate(partition: number, count: number): number {
    const model = this.partitions[partition]
    const wanted = Math.max(model.start, model.end - count)
    const first = model.entries.find(({ offset }) => offset >= wanted)
    const end = Math.max(model.start, first?.batchStart ?? wanted)
    for (const entry of model.entries) if (entry.offset >= end) entry.isExcused = true
    model.entries = model.entries.filter(({ offset }) => offset < end)
    model.end = end
    model.unnoticedFrom = this.nextId
    return end
  }

  trim(partition: number, start: number): void {
    const model = this.partitions[partition]
    for (const entry of model.entries) if (entry.offset < start) entry.isExcused = true
    model.start = Math.max(model.start, start)
  }

  recreate(): void {
    for (const { entries } of this.partitions) for (const entry of entries) entry.isExcused = true
    this.partitions = this.partitions.map(() => ({
      ...emptyPartition(),
      unnoticedFrom: this.nextId,
    }))
  }

  /**
   * A user goes to `offset`: what lies before it may never be handled.
   * @param isAlone no other member and no commit by hand may go past what lies behind it meanwhile
   */
  seek(partition: number, offset: number, isAlone: boolean): void {
    const model = this.partitions[partition]
    model.isSeekUnnoticed = true
    model.soughtTo = offset
    for (const entry of model.entries) {
      if (entry.offset < offset) entry.isExcused = true
      else entry.isReopened = isAlone && entry.isFinished
    }
  }

  /** A member has ended: the next one begins where the group's offsets are. */
  forgetSeeks(): void {
    for (const { entries } of this.partitions) {
      for (const entry of entries) entry.isReopened = false
    }
  }

  /** Handlers of the partition do not finish before the function that is returned is called. */
  hold(partition: number): () => void {
    let release = (): void => {}
    const end = new Promise<void>((resolve) => {
      release = resolve
    })
    this.holds.set(partition, { handlers: 0, end })
    return () => {
      this.holds.delete(partition)
      release()
    }
  }

  /** Whether a handler is held. */
  isHeld(partition: number): boolean {
    return (this.holds.get(partition)?.handlers ?? 0) > 0
  }

  async whileHeld(partition: number): Promise<void> {
    const hold = this.holds.get(partition)
    if (hold === undefined) return
    hold.handlers++
    await hold.end
  }

  /** A handler is called. */
  begin(id: number, partition: number, offset: number): Entry {
    const entry = this.known(id)
    if (entry.offset !== offset || entry.partition !== partition) {
      this.violate(`record ${name(entry)} came as ${partition}@${offset}`)
    }
    const model = this.partitions[partition]
    if (model.unnoticedFrom !== null && id >= model.unnoticedFrom) model.unnoticedFrom = null
    if (entry.isReopened) model.isSeekUnnoticed = false
    model.soughtTo = 0
    this.starts++
    if (entry.starts++ === 0) this.checkOrder(entry, model)
    return entry
  }

  /** A record of a retry topic is handled again: it has no order, and its place is not asked about. */
  retried(id: number): Entry {
    const entry = this.known(id)
    this.starts++
    if (!entry.isForwarded)
      this.violate(`${name(entry)} was retried before it was sent to a retry topic`)
    return entry
  }

  /** It is about to be written to a retry topic, or as a dead letter. */
  sent(id: number, isDead: boolean): void {
    const entry = this.known(id)
    entry.isForwarded = true
    if (isDead) this.finish(entry)
  }

  /** A retry topic has these records from this offset on. */
  forwarded(ids: readonly number[], topic: string, partition: number, offset: number): void {
    const place = `${topic}-${partition}`
    const log = this.retryLogs.get(place) ?? []
    for (const [index, id] of ids.entries()) log[offset + index] = id
    this.retryLogs.set(place, log)
  }

  /** A commit of a retry topic has reached the coordinator. */
  commitRetries(topic: string, partition: number, offset: number): void {
    const ids = this.retryLogs.get(`${topic}-${partition}`) ?? []
    for (const id of ids.slice(0, offset)) {
      if (id === undefined) continue
      const entry = this.known(id)
      if (entry.isFinished || entry.isExcused || this.isFurther(id, topic)) continue
      this.violate(`a commit at ${topic}-${partition}@${offset} passes ${name(entry)}`)
    }
  }

  private isFurther(id: number, topic: string): boolean {
    return [...this.retryLogs].some(
      ([place, ids]) => !place.startsWith(`${topic}-`) && ids.includes(id),
    )
  }

  private known(id: number): Entry {
    const entry = this.byId.get(id)
    if (entry === undefined) throw new Error(`no record has the id ${id}`)
    return entry
  }

  finish(entry: Entry): void {
    entry.isFinished = true
    entry.isReopened = false
  }

  /** A commit has reached the coordinator. */
  commit(partition: number, offset: number): void {
    const { entries, unnoticedFrom, isSeekUnnoticed } = this.partitions[partition]
    for (const entry of entries) {
      if (entry.offset >= offset || entry.isExcused) continue
      if (entry.isForwarded) continue
      if (entry.isFinished && (!entry.isReopened || isSeekUnnoticed)) continue
      if (unnoticedFrom !== null && entry.id >= unnoticedFrom) continue
      this.violate(`a commit at ${partition}@${offset} passes ${name(entry)}`)
    }
  }

  /** What still has to be handled. */
  unhandled(): Entry[] {
    return this.partitions.flatMap(({ entries }) =>
      entries.filter(({ isFinished, isExcused }) => !isFinished && !isExcused),
    )
  }

  private checkOrder(entry: Entry, { entries }: PartitionModel): void {
    // What the log lost has no place among what it has now.
    if (entry.isExcused || (this.isByKey && entry.key === null)) return
    for (const other of entries) {
      if (other.offset >= entry.offset) return
      if (other.starts > 0 || other.isExcused) continue
      if (this.isByKey && other.key !== entry.key) continue
      this.violate(`${name(entry)} began before ${name(other)}`)
    }
  }

  private violate(text: string): void {
    if (this.violations.length < 5) this.violations.push(text)
  }
}

function emptyPartition(): PartitionModel {
  return { entries: [], end: 0, start: 0, unnoticedFrom: null, isSeekUnnoticed: false, soughtTo: 0 }
}

function name({ id, partition, offset }: Entry): string {
  return `record ${id} (${partition}@${offset})`
}
