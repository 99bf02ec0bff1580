// Which batches of a fetched block belong to aborted transactions (read_committed). An entry of the
// broker's list begins to count at its first offset and ends with the ABORT marker of its producer. A
// marker without an entry changes nothing: an aborted transaction without records has one (librdkafka
// 1.7.0 lost committed records by counting it).

import type { AbortedTransaction } from '../../protocol/messages/fetch.ts'

/** What must be known of a batch. */
export interface TransactionalBatch {
  readonly lastOffset: bigint
  readonly producerId: bigint
  readonly isTransactional: boolean
}

export class AbortedTransactions {
  private readonly entries: readonly AbortedTransaction[]
  private readonly producerIds = new Set<bigint>()
  private nextEntry = 0

  constructor(entries: readonly AbortedTransaction[]) {
    // Not every broker sorts the list.
    this.entries = entries.toSorted((a, b) =>
      a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0,
    )
  }

  /** Whether this data batch is to be left out. Batches are to be asked about in the log's order. */
  isAborted(batch: TransactionalBatch): boolean {
    this.advanceTo(batch)
    return batch.isTransactional && this.producerIds.has(batch.producerId)
  }

  /** A marker that ends a transaction of its producer by abort. */
  handleAbortMarker(batch: TransactionalBatch): void {
    this.advanceTo(batch)
    this.producerIds.delete(batch.producerId)
  }

  private advanceTo(batch: TransactionalBatch): void {
    if (batch.producerId < 0n) return
    while (this.nextEntry < this.entries.length) {
      const entry = this.entries[this.nextEntry]
      if (entry.firstOffset > batch.lastOffset) return
      this.producerIds.add(entry.producerId)
      this.nextEntry++
    }
  }
}
