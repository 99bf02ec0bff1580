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
  readonly leaderEpoch: number
  starts: number
  /** Handlers that work on it now. */
  running: number
  /** The loop of the last handler has ended, although it works on: the record is not in hand any more. */
  isLeft: boolean
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
  /**
   * For each time that the log was changed under the consumers, the first record appended since, until that or a
   * later one is seen.
   */
  unnoticed: number[]
  /** A user went back, and no handler was called since: commits may be on their way. */
  isSeekUnnoticed: boolean
  /**
   * Where a user went, until a record was read there and what lies behind it is committed: neither the position nor
   * the group's offset has a leader epoch before, so that a truncation below it cannot be noticed.
   */
  soughtTo: number
  /** Whether a record was read where the user went. */
  isReadThere: boolean
  /** How often a user went elsewhere. */
  seeks: number
}

export class Oracle {
  readonly violations: string[] = []
  /** How often handlers were called. */
  starts = 0
  /** What may have made void what was begun for records: steps of the plan, and failures of handlers. */
  changes = 0
  private readonly byId = new Map<number, Entry>()
  /** What is in each partition of the retry topics. */
  private readonly retryLogs = new Map<string, number[]>()
  private partitions: PartitionModel[]
  private readonly isByKey: boolean
  private readonly resetsToLatest: boolean
  private readonly holds = new Map<number, { handlers: number; end: Promise<void> }>()
  private nextId = 0

  /** @param resetsToLatest positions may pass what no handler works on */
  constructor(count: number, isByKey: boolean, resetsToLatest: boolean) {
    this.isByKey = isByKey
    this.resetsToLatest = resetsToLatest
    this.partitions = Array.from({ length: count }, emptyPartition)
  }

  /** Records that are about to be appended. */
  append(partition: number, keys: readonly (string | null)[], leaderEpoch: number): Entry[] {
    const model = this.partitions[partition]
    const batchStart = model.end
    return keys.map((key) => {
      const id = this.nextId++
      const offset = model.end++
      const isExcused = offset < model.soughtTo
      const states = {
        starts: 0,
        running: 0,
        isLeft: false,
        isFinished: false,
        isForwarded: false,
        isExcused,
        isReopened: false,
      }
      const entry = { id, partition, offset, key, batchStart, leaderEpoch, ...states }
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
    model.unnoticed.push(this.nextId)
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
      unnoticed: [this.nextId],
    }))
  }

  /**
   * A user goes to `offset`: what lies before it may never be handled.
   * @param isAlone no other member and no commit by hand may go past what lies behind it meanwhile
   */
  seek(partition: number, offset: number, isAlone: boolean): void {
    const model = this.partitions[partition]
    model.isSeekUnnoticed = true
    // Where a user went before may still be what the group has.
    model.soughtTo = Math.max(model.soughtTo, offset)
    model.isReadThere = false
    model.seeks++
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

  /** How often a user went elsewhere in the partition. */
  seeksOf(partition: number): number {
    return this.partitions[partition].seeks
  }

  /**
   * A handler is called.
   * @param seeks what `seeksOf` returned when the record was delivered
   */
  begin(
    id: number,
    partition: number,
    offset: number,
    seeks: number = this.seeksOf(partition),
  ): Entry {
    const entry = this.known(id)
    if (entry.offset !== offset || entry.partition !== partition) {
      this.violate(`record ${name(entry)} came as ${partition}@${offset}`)
    }
    const model = this.partitions[partition]
    model.unnoticed = model.unnoticed.filter((first) => first > id)
    if (entry.isReopened) model.isSeekUnnoticed = false
    if (seeks === model.seeks) model.isReadThere = true
    entry.isLeft = false
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
    if (isDead) this.passedOver(id)
  }

  /** It is left out, and no handler is called for it. */
  passedOver(id: number): void {
    const entry = this.known(id)
    entry.starts = Math.max(entry.starts, 1)
    this.starts++
    this.finish(entry)
  }

  /** An error about a record names this place: where it was first read. */
  refused(id: number, place: string): void {
    const { partition, offset } = this.known(id)
    const expected = `t-${partition}@${offset}`
    if (place !== expected) this.violate(`the record of ${expected} was refused as ${place}`)
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

  /**
   * A commit has reached the coordinator. It may have been on its way when a truncation was noticed: whoever takes
   * it up asks where the log of its leader epoch ends (KIP-320), and so passes no record of a later epoch.
   */
  commit(partition: number, offset: number, leaderEpoch: number): void {
    const model = this.partitions[partition]
    const { entries, unnoticed, isSeekUnnoticed } = model
    if (model.isReadThere && leaderEpoch >= 0 && offset > model.soughtTo) model.soughtTo = 0
    const unnoticedFrom = Math.min(...unnoticed)
    for (const entry of entries) {
      if (entry.offset >= offset || entry.isExcused) continue
      if (entry.isForwarded) continue
      if (entry.isFinished && (!entry.isReopened || isSeekUnnoticed)) continue
      if (entry.id >= unnoticedFrom) continue
      if (leaderEpoch >= 0 && entry.leaderEpoch > leaderEpoch) continue
      if (this.resetsToLatest && (entry.running === 0 || entry.isLeft)) continue
      this.violate(`a commit at ${partition}@${offset} passes ${name(entry)}`)
    }
  }

  /** Whether the last record of the partition was handled. */
  isLastHandled(partition: number): boolean {
    return this.partitions[partition].entries.at(-1)?.isFinished === true
  }

  /** What still has to be handled. */
  unhandled(): Entry[] {
    if (this.resetsToLatest) return []
    return this.partitions.flatMap(({ entries }) =>
      entries.filter(({ isFinished, isExcused }) => !isFinished && !isExcused),
    )
  }

  private checkOrder(entry: Entry, { entries }: PartitionModel): void {
    // What the log lost has no place among what it has now.
    if (entry.isExcused || this.resetsToLatest || (this.isByKey && entry.key === null)) return
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
  return {
    entries: [],
    end: 0,
    start: 0,
    unnoticed: [],
    isSeekUnnoticed: false,
    soughtTo: 0,
    isReadThere: false,
    seeks: 0,
  }
}

function name({ id, partition, offset }: Entry): string {
  return `record ${id} (${partition}@${offset})`
}
