// Records of one partition that a share consumer delivers together.

import { least } from '../collections/long-lists.ts'
import type { WaitOptions } from '../types.ts'
import type { Acknowledger, ShareRecord } from './share-record.ts'

/** At most `maxPollRecords` records of one partition, in the order of their offsets; gaps are usual. */
export class ShareBatch<K = Buffer | null, V = Buffer | null>
  implements Iterable<ShareRecord<K, V>>
{
  readonly topic: string
  readonly partition: number
  /** All of them, at least one. */
  readonly records: readonly ShareRecord<K, V>[]
  private readonly acknowledger: Acknowledger

  /** @internal */
  constructor(records: readonly ShareRecord<K, V>[], acknowledger: Acknowledger) {
    this.topic = records[0].topic
    this.partition = records[0].partition
    this.records = records
    this.acknowledger = acknowledger
  }

  get length(): number {
    return this.records.length
  }

  /** When the first of its locks ends, in milliseconds since 1970. */
  get lockExpiresAt(): number {
    return least(this.records.map(({ lockExpiresAt }) => lockExpiresAt))
  }

  /** Accepts every record that is not acknowledged yet. */
  accept(): void {
    for (const record of this.open) record.accept()
  }

  /** Releases every record that is not acknowledged yet. */
  release(): void {
    for (const record of this.open) record.release()
  }

  /** Rejects every record that is not acknowledged yet. */
  reject(): void {
    for (const record of this.open) record.reject()
  }

  /** Extends the locks of all records that are not acknowledged yet. Throws as `record.renew()` does. */
  async renew(options?: WaitOptions): Promise<void> {
    await this.acknowledger.renew(this.open, options)
  }

  [Symbol.iterator](): Iterator<ShareRecord<K, V>> {
    return this.records[Symbol.iterator]()
  }

  private get open(): ShareRecord<K, V>[] {
    return this.records.filter(({ acknowledgement }) => acknowledgement === null)
  }
}
