// What responses brought and is not read yet. Everything that was acquired comes at once, and a few KB of compressed
// batches may become gigabytes: no more is decompressed than one response may have bytes, until that is delivered.

import { monotonicMs } from '../async/clock.ts'
import type { AcquiredBlock, AcquiredLimits, AcquiredReader } from './acquired-records.ts'

export interface AcquiredQueueOwner<K, V> {
  /** Records that were read and not delivered yet. */
  readonly bufferedRecords: number
  onRead(block: AcquiredBlock<K, V>, reader: AcquiredReader<K, V>): void
  /** Everything was read. */
  onEmpty(): void
  /** A mistake of this client: reading on would hide it. */
  onFailed(error: unknown): void
}

interface Entry<K, V> {
  readonly reader: AcquiredReader<K, V>
  readonly onDone: (error: Error | null) => void
  hasRecords: boolean
  error: Error | null
}

export class AcquiredQueue<K, V> {
  private entries: Entry<K, V>[] = []
  private isReading = false
  private isClosed = false
  /** Bytes that records which are not delivered yet lie on, at most. */
  private bytes = 0
  private readonly most: AcquiredLimits
  private readonly owner: AcquiredQueueOwner<K, V>

  /** @param most how much is read before it is delivered; one more batch may come in addition */
  constructor(most: AcquiredLimits, owner: AcquiredQueueOwner<K, V>) {
    this.most = most
    this.owner = owner
  }

  get isEmpty(): boolean {
    return this.entries.length === 0
  }

  /** @param onDone called when all of it was read; with the error if no record of it could be read */
  add(reader: AcquiredReader<K, V>, onDone: Entry<K, V>['onDone']): void {
    if (this.isClosed) return
    this.entries.push({ reader, onDone, hasRecords: false, error: null })
    void this.readOn()
  }

  /** Forgets what was acquired in a session that is over. */
  dropLost(): void {
    this.entries = this.entries.filter(({ reader }) => reader.acquisition.session.lost === null)
  }

  /** Reads nothing more. */
  close(): void {
    this.isClosed = true
    this.entries = []
  }

  /** Records were delivered: reads what there is room for. Never rejects. */
  async readOn(): Promise<void> {
    if (this.isReading || this.isEmpty) return
    this.isReading = true
    try {
      while (this.entries.length > 0 && this.hasRoom()) {
        const [entry] = this.entries
        // What is locked no longer is delivered again by the group.
        if (monotonicMs() >= entry.reader.acquisition.heldUntil) this.entries.shift()
        else await this.readFrom(entry)
      }
    } catch (error) {
      this.owner.onFailed(error)
    }
    this.isReading = false
    if (this.isEmpty && !this.isClosed) this.owner.onEmpty()
  }

  private hasRoom(): boolean {
    const { bufferedRecords } = this.owner
    if (bufferedRecords === 0) this.bytes = 0
    return this.bytes < this.most.bytes && bufferedRecords < this.most.records
  }

  private async readFrom(entry: Entry<K, V>): Promise<void> {
    const { reader } = entry
    const { bytes, records } = this.most
    const block = await reader.read({ bytes: bytes - this.bytes, records })
    // It was lost meanwhile.
    if (!this.entries.includes(entry)) return
    this.bytes += block.bytes
    entry.hasRecords ||= block.records.length > 0
    entry.error ??= block.errors[0] ?? null
    if (reader.isDone) {
      this.entries = this.entries.filter((each) => each !== entry)
      entry.onDone(entry.hasRecords ? null : entry.error)
    }
    this.owner.onRead(block, reader)
  }
}
