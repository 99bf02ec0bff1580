// Some decoded records of one partition in a row: a batch loop delivers
// them at once, a record loop one by one. It counts what was delivered (`taken`) and what is done
// (`done`). Offsets are computed from these counts on demand, not per record.

import { ConsumerRecord } from '../../records/consumer-record.ts'

export interface RecordSlicePlace {
  /** The position before the first record. */
  readonly startOffset: bigint
  readonly startEpoch: number
  /** The position after the last record, beyond what compaction and markers left out behind it. */
  readonly nextOffset: bigint
  /** Leader epoch of the last batch. */
  readonly nextEpoch: number
}

export class RecordSlice<K, V> {
  records: readonly ConsumerRecord<K, V>[]
  place: RecordSlicePlace
  /** How many were delivered. */
  taken = 0
  /** How many of those the caller has asked past: they are done and may be committed. */
  done = 0
  /** Up to here records are worked on side by side: `taken` follows what is done of them. */
  lent = 0
  /** Places after `taken` that are done all the same, as the records were worked on side by side. */
  doneAhead: ReadonlySet<number> | null = null

  constructor(records: readonly ConsumerRecord<K, V>[], place: RecordSlicePlace) {
    this.records = records
    this.place = place
  }

  /** How many records are to be delivered. */
  get count(): number {
    return this.records.length
  }

  /** This one with another behind it, which begins where this one ends. */
  joined(next: RecordSlice<K, V>): RecordSlice<K, V> {
    const { startOffset, startEpoch } = this.place
    const { nextOffset, nextEpoch } = next.place
    const place = { startOffset, startEpoch, nextOffset, nextEpoch }
    return this.replaced([...this.records, ...next.records], place)
  }

  /** This one, with the position behind it moved on over what is never delivered. */
  extendedTo(nextOffset: bigint, nextEpoch: number): RecordSlice<K, V> {
    return this.replaced(this.records, { ...this.place, nextOffset, nextEpoch })
  }

  /** This one with its records after `taken` as they came, wherever they were preserved. */
  renewed(): RecordSlice<K, V> {
    const { records, taken, place } = this
    const renewed = ConsumerRecord.originals(records.slice(taken))
    return this.replaced([...records.slice(0, taken), ...renewed], place)
  }

  /** Its first `count` records, and the others. Nothing of it was delivered yet. */
  split(count: number): [RecordSlice<K, V>, RecordSlice<K, V>] {
    const { records, place } = this
    const nextOffset = this.offsetAfter(count)
    const nextEpoch = this.epochAfter(count)
    return [
      new RecordSlice(records.slice(0, count), { ...place, nextOffset, nextEpoch }),
      new RecordSlice(records.slice(count), {
        ...place,
        startOffset: nextOffset,
        startEpoch: nextEpoch,
      }),
    ]
  }

  /** Forgets the records from number `count` on. */
  cutAt(count: number): void {
    const nextOffset = this.offsetAfter(count)
    const nextEpoch = this.epochAfter(count)
    this.place = { ...this.place, nextOffset, nextEpoch }
    // A slice that is made of this one must not have them again: they may be of a log that was truncated.
    this.records = this.records.slice(0, count)
  }

  /** Copies its records' bytes, so that the memory of their response can be freed. Returns how many. */
  moveOut(): number {
    return ConsumerRecord.moveOut(this.records)
  }

  /** The bytes of the batches that its records are from. */
  get batchBytes(): number {
    return ConsumerRecord.batchBytes(this.records)
  }

  private replaced(
    records: readonly ConsumerRecord<K, V>[],
    place: RecordSlicePlace,
  ): RecordSlice<K, V> {
    const chunk = new RecordSlice(records, place)
    chunk.taken = this.taken
    chunk.done = this.done
    chunk.lent = this.lent
    chunk.doneAhead = this.doneAhead
    return chunk
  }

  /** The position after the first `count` records. */
  offsetAfter(count: number): bigint {
    if (count === 0) return this.place.startOffset
    if (count === this.count) return this.place.nextOffset
    return this.records[count - 1].offset + 1n
  }

  /** The leader epoch that belongs to that position. */
  epochAfter(count: number): number {
    if (count === 0) return this.place.startEpoch
    if (count === this.count) return this.place.nextEpoch
    return this.records[count - 1].leaderEpoch
  }
}
