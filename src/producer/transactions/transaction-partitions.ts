// What takes part in a transaction: partitions, and groups by their offsets. Before KIP-890 the coordinator
// learns of each before anything is written; with it the brokers tell it.

import type { KafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { ConsumerGroupMetadata } from '../../types.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { PartitionQueue } from '../batching/partition-queue.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'
import { worst } from './coordinator-error-table.ts'
import type { CoordinatorQueue, Failure, Terms } from './coordinator-queue.ts'
import type { TransactionCall, TransactionManager } from './transaction-manager.ts'
import type { OffsetInTransaction, TransactionRequests } from './transaction-requests.ts'

/**
 * Brokers before 4.0 hold offsets back for offsets.commit.timeout.ms (5 s) until replicas have them, and
 * then drop what is pending of their partitions: also what a second attempt has added meanwhile, and was
 * acknowledged. Its commit would leave the group where it was, and all of it would be done again. So a
 * second attempt waits until the first one is over.
 */
const OFFSETS_DOUBT_MS = 5500

export interface TransactionPartitionsContext {
  readonly producer: ProducerIdentity
  readonly accumulator: Accumulator
  readonly now: () => number
  readonly wake: () => void
  /** Something could not be added: what that means. Returns what the caller is told. */
  readonly refused: (call: TransactionCall, failure: Failure) => KafkaError
}

export class TransactionPartitions {
  private readonly manager: TransactionManager
  private readonly calls: CoordinatorQueue
  private readonly requests: TransactionRequests
  private readonly context: TransactionPartitionsContext
  /** Partitions that have had a batch in this transaction. */
  private readonly touched = new Set<PartitionQueue>()
  /** Those of them that the coordinator does not know of yet (before KIP-890). */
  private readonly unadded = new Set<PartitionQueue>()
  private isAdding = false
  /** Groups that the coordinator knows of (before KIP-890). */
  private readonly groups = new Set<string>()

  constructor(
    manager: TransactionManager,
    calls: CoordinatorQueue,
    requests: TransactionRequests,
    context: TransactionPartitionsContext,
  ) {
    this.manager = manager
    this.calls = calls
    this.requests = requests
    this.context = context
  }

  /** Whether a request with a batch of the transaction has no end yet. */
  get areUnderWay(): boolean {
    for (const { underWay } of this.touched) if (underWay.length > 0) return true
    return false
  }

  /** The transaction has its end. */
  clear(): void {
    this.touched.clear()
    this.unadded.clear()
    this.groups.clear()
  }

  /** A partition has a batch to send. */
  opened(partition: PartitionQueue): void {
    const { state } = partition
    const { openTransaction } = this.context.producer
    if (state.transaction === openTransaction || openTransaction === 0) return
    this.touched.add(partition)
    if (this.manager.usesVersion2) {
      state.transaction = openTransaction
      return
    }
    this.unadded.add(partition)
    if (this.isAdding) return
    this.isAdding = true
    // Those of the same turn go together.
    void this.calls.inTurn(() => this.addPartitions())
  }

  /** Makes offsets part of the transaction, once it is their turn. */
  async addOffsets(
    offsets: readonly OffsetInTransaction[],
    group: ConsumerGroupMetadata,
    transaction: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { manager, requests } = this
    const { usesVersion2 } = manager
    const goesOn = this.untilEndOf(transaction, signal)
    const { groupId } = group
    if (!goesOn()) throw manager.refusal('sendOffsets')
    if (!usesVersion2 && !this.groups.has(groupId)) {
      const ending = await this.calls.persist(
        'addOffsetsToTxn',
        { ...this.adding, goesOn, signal },
        (attempt) => requests.addOffsets(groupId, attempt),
      )
      if (ending.verdict !== 'done') throw this.context.refused('sendOffsets', ending)
      manager.added()
      this.groups.add(groupId)
    }
    let left = offsets
    const ending = await this.calls.persist(
      'txnOffsetCommit',
      { ...this.adding, goesOn, signal, doubtMs: usesVersion2 ? 0 : OFFSETS_DOUBT_MS },
      async (attempt) => {
        // With KIP-890 whatever is tried may have been added.
        if (usesVersion2) manager.added()
        const codes = await requests.commitOffsets(left, group, usesVersion2, attempt)
        left = left.filter((entry) => codes.get(entry) !== errorCodes.NONE)
        return worst('txnOffsetCommit', codes.values())
      },
    )
    if (ending.verdict !== 'done') throw this.context.refused('sendOffsets', ending)
  }

  /** Before KIP-890: the coordinator must know a partition before anything is written to it. */
  private async addPartitions(): Promise<void> {
    const { manager } = this
    this.isAdding = false
    const partitions = [...this.unadded]
    this.unadded.clear()
    const transaction = this.context.producer.openTransaction
    if (partitions.length === 0 || !manager.isGoing) return
    const names = partitions.map(({ topic, partition }) => ({ topic: topic.name, partition }))
    const ending = await this.calls.persist(
      'addPartitionsToTxn',
      { ...this.adding, goesOn: this.untilEndOf(transaction) },
      (attempt) => this.requests.addPartitions(names, attempt),
    )
    if (ending.verdict !== 'done') {
      // No caller waits here: the batches that waited for it fail with it.
      this.context.refused('send', ending)
      return
    }
    manager.added()
    for (const partition of partitions) {
      partition.state.transaction = transaction
      this.context.accumulator.review(partition, this.context.now())
    }
    this.context.wake()
  }

  /** Whether a transaction still takes something: a later one must not get what belonged to it. */
  private untilEndOf(transaction: number, signal?: AbortSignal): () => boolean {
    const { manager } = this
    const { producer } = this.context
    return () =>
      manager.isGoing && producer.openTransaction === transaction && signal?.aborted !== true
  }

  /** How something is added. Its time ends with the transaction's, or with its caller's patience. */
  private get adding(): Terms {
    const { manager } = this
    const isFirst = !manager.mustEnd
    return {
      timeoutMs: Number.POSITIVE_INFINITY,
      isFirst,
      onDoubt: () => manager.addInDoubt(),
    }
  }
}
