// What becomes of batches that were sent: responses and lost connections turn into acknowledgements,
// retries, splits, failures and epoch bumps. Pure: `now` comes in, and what needs the cluster goes out by
// `effects`. The tables are produce-error-table.ts and sequence-error-table.ts.

import { BrokerError, ClosedError, KafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { PartitionProduceResponse } from '../../protocol/messages/produce.ts'
import type { Accumulator } from '../batching/accumulator.ts'
import type { RecordObserver } from '../batching/batch-callbacks.ts'
import type { BufferMemory } from '../batching/buffer-memory.ts'
import type { FlushTracker } from '../batching/flush-tracker.ts'
import type { PartitionQueue, PartitionTopic, ProducerBatch } from '../batching/partition-queue.ts'
import type { ProducerTopic } from '../batching/topic.ts'
import type { DataLoss } from '../hooks.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'
import { type CompletionMetrics, endTrace } from './batch-traces.ts'
import {
  culpritErrors,
  deliveryError,
  hintFor,
  neighbourError,
  responseError,
  timeoutError,
} from './delivery-errors.ts'
import { outcomeOf } from './produce-error-table.ts'
import type { ProduceProblems } from './produce-problems.ts'
import { judgeSequenceError } from './sequence-error-table.ts'
import { splitBatch } from './split-batch.ts'

/** Metadata must have called a topic unknown for this long (ms): brokers learn of new topics late. */
export const UNKNOWN_TOPIC_BOUND_MS = 30_000

const MOST_CORRUPT_RESPONSES = 3

export interface BatchCompletionOptions {
  readonly batchSize: number
  readonly deliveryTimeoutMs: number
  readonly retries: number
  readonly gapless: boolean
  /** The wait before the retry that follows `attempts` attempts. */
  readonly backoff: (attempts: number) => number
}

export interface BatchCompletionContext {
  readonly accumulator: Accumulator
  readonly memory: BufferMemory
  readonly flushes: FlushTracker
  readonly producer: ProducerIdentity
  /** Called for each record; null without hooks. */
  readonly observer: RecordObserver | null
  readonly metrics: CompletionMetrics
  readonly problems: Pick<ProduceProblems, 'failed' | 'ended'>
  readonly refreshMetadata: (reason: string) => void
  /** Why a broker cannot be reached; null: it can. */
  readonly obstacleTo: (nodeId: number) => KafkaError | null
  readonly principal: () => string | null
  readonly onDataLoss: (loss: DataLoss) => void
  readonly onFailed: (error: KafkaError) => void
  /** A batch failed; `hadNumbers`: they will not be written. null: there are no transactions. */
  readonly onBatchFailed: ((error: KafkaError, hadNumbers: boolean) => void) | null
}

export class BatchCompletion {
  private readonly options: BatchCompletionOptions
  private readonly context: BatchCompletionContext

  constructor(options: BatchCompletionOptions, context: BatchCompletionContext) {
    this.options = options
    this.context = context
  }

  /** A broker responded for this batch. */
  responded(
    batch: ProducerBatch,
    response: PartitionProduceResponse,
    nodeId: number,
    now: number,
  ): void {
    this.context.accumulator.requestEnded(batch)
    const outcome = outcomeOf(response.errorCode)
    if (outcome.verdict === 'acknowledge' || outcome.verdict === 'duplicate') {
      batch.responded(null, false)
      const offset = outcome.verdict === 'duplicate' ? -1n : response.baseOffset
      this.acknowledge(batch, offset, Number(response.logAppendTimeMs))
    } else {
      const error = responseError(batch, response, nodeId, this.context.principal())
      batch.responded(error, outcome.leavesDoubt)
      if (outcome.refreshes) this.context.refreshMetadata(error.message)
      if (batch.isSettled) this.endTombstone(batch)
      else this.refused(batch, response, error, now)
    }
    this.settled(batch.partition, now)
  }

  /** The request with this batch ended without a response for it. */
  lost(batch: ProducerBatch, error: KafkaError, wasWritten: boolean, now: number): void {
    this.context.accumulator.requestEnded(batch)
    batch.lost(error, wasWritten)
    if (batch.isSettled) this.endTombstone(batch)
    else this.retry(batch, error, now)
    this.settled(batch.partition, now)
  }

  /** With `acks: 0`: the kernel has the bytes, and no more than that will be known. */
  written(batch: ProducerBatch, now: number): void {
    this.context.accumulator.requestEnded(batch)
    batch.responded(null, false)
    this.acknowledge(batch, -1n, -1)
    this.settled(batch.partition, now)
  }

  /** The batch cannot be sent as it is: encoding or compression failed. */
  unsendable(batch: ProducerBatch, error: KafkaError, now: number): void {
    this.context.accumulator.requestEnded(batch)
    batch.neverSent()
    if (batch.isSettled) this.endTombstone(batch)
    else this.fail(batch, deliveryError(batch, error))
    this.settled(batch.partition, now)
  }

  /** Fails what is older than the delivery timeout. */
  expire(now: number): void {
    for (const batch of this.context.accumulator.expired(now)) {
      if (batch.isSettled) continue
      this.fail(batch, this.timeout(batch))
      this.settled(batch.partition, now)
    }
  }

  /** The topic was recreated: no broker can tell any more what of it was written. */
  topicRecreated(topic: ProducerTopic, now: number): void {
    const { producer, onBatchFailed } = this.context
    for (const partition of topic.partitions) {
      if (producer.isTransactional) {
        // What the transaction wrote before went with the old topic.
        const { transaction } = partition.state
        const isTouched = transaction !== 0 && transaction === producer.openTransaction
        if (isTouched)
          onBatchFailed?.(new KafkaError(`${partition} was deleted and created again`), true)
      } else partition.state.reset()
      this.settled(partition, now)
    }
  }

  /** Fails what waits for a topic that metadata has called unknown for too long. */
  failUnknownTopic(topic: ProducerTopic, error: KafkaError, now: number): void {
    for (const partition of topic.partitions) this.failPartition(partition, error, now)
  }

  /** Fails what waits for a partition that does not exist any more. */
  failPartition(partition: PartitionQueue, error: KafkaError, now: number): void {
    for (const batch of [...partition.queue]) {
      if (!batch.isSettled) this.fail(batch, deliveryError(batch, error))
    }
    this.settled(partition, now)
  }

  /** Fails every batch that waits to be sent and is `hopeless`. */
  failWaiting(
    topics: Iterable<ProducerTopic>,
    hopeless: (batch: ProducerBatch) => boolean,
    error: KafkaError,
    now: number,
  ): void {
    for (const topic of topics) {
      for (const partition of topic.partitions) {
        if (partition.queue.length === 0) continue
        for (const batch of [...partition.queue]) {
          if (!batch.isSettled && hopeless(batch)) this.fail(batch, deliveryError(batch, error))
        }
        this.settled(partition, now)
      }
    }
  }

  /** Fails everything, at once: after a fatal error, or when close() may wait no longer. */
  failAll(topics: Iterable<ProducerTopic>, error: KafkaError): void {
    for (const topic of topics) {
      for (const partition of topic.partitions) {
        for (const batch of [...partition.underWay, ...partition.queue]) {
          if (!batch.isSettled) this.fail(batch, deliveryError(batch, error))
        }
      }
    }
  }

  /** A broker refused the batch, and its callers still wait. */
  private refused(
    batch: ProducerBatch,
    response: PartitionProduceResponse,
    error: KafkaError,
    now: number,
  ): void {
    const { errorCode } = response
    const failure = (): KafkaError => deliveryError(batch, error, hintFor(batch, errorCode))
    switch (outcomeOf(errorCode).verdict) {
      case 'tooLarge':
        if (batch.count > 1 && !batch.isAmbiguous) {
          this.context.metrics.splits.record(1)
          splitBatch(batch, this.options.batchSize, this.context, now)
        } else this.fail(batch, failure())
        break
      case 'retry':
        this.retry(batch, error, now)
        break
      case 'unknownTopic':
        if (isLongUnknown(batch.partition.topic, now)) this.fail(batch, failure())
        else this.retry(batch, error, now)
        break
      case 'corrupt':
        if (batch.countCorrupt() > MOST_CORRUPT_RESPONSES) this.fail(batch, failure())
        else this.retry(batch, error, now)
        break
      case 'sequence':
        if (this.context.producer.isIdempotent) this.outOfSequence(batch, response, error, now)
        else this.fail(batch, failure())
        break
      case 'staleEpoch':
        if (this.isBumpingItself) this.staleEpoch(batch, error, now)
        else this.fail(batch, failure())
        break
      case 'rejectedRecords': {
        const culprits = culpritErrors(batch, response, error)
        this.fail(batch, culprits === null ? failure() : neighbourError(batch, error), culprits)
        break
      }
      case 'fatal':
        this.fail(batch, failure())
        this.context.onFailed(error)
        break
      default:
        this.fail(batch, failure())
    }
  }

  private acknowledge(batch: ProducerBatch, baseOffset: bigint, logAppendTimeMs: number): void {
    const lastOffset = baseOffset < 0n ? -1n : baseOffset + BigInt(batch.count - 1)
    batch.partition.state.acknowledge(batch, lastOffset)
    this.context.problems.ended(batch.partition)
    batch.acknowledged()
    if (batch.isSettled) this.release(batch)
    else this.settle(batch, null, baseOffset, logAppendTimeMs)
    this.context.accumulator.recycle(batch)
  }

  /** Sends it again, if its time and the number of retries allow it. */
  private retry(batch: ProducerBatch, error: KafkaError, now: number, isCounted = true): void {
    const refusal = this.whyNoRetry(batch, error, now, isCounted)
    if (refusal !== null) {
      this.fail(batch, refusal)
      return
    }
    this.context.problems.failed(batch.partition, error)
    batch.retryFrom(isCounted ? now + this.waitBefore(batch, error) : now)
    this.context.accumulator.requeue(batch, now)
  }

  private waitBefore({ retries }: ProducerBatch, error: KafkaError): number {
    const waitMs = this.options.backoff(retries)
    // The markers of the transaction before are being written: that takes some ms.
    return isConcurrent(error) ? Math.min(CONCURRENT_WAIT_MS, waitMs) : waitMs
  }

  /** Whether epochs are this producer's own to raise. Those of a transaction are the coordinator's. */
  private get isBumpingItself(): boolean {
    const { isIdempotent, isTransactional } = this.context.producer
    return isIdempotent && !isTransactional
  }

  private whyNoRetry(
    batch: ProducerBatch,
    error: KafkaError,
    now: number,
    isCounted: boolean,
  ): KafkaError | null {
    const { deliveryTimeoutMs, retries, gapless } = this.options
    const { isIdempotent, fatalError } = this.context.producer
    const { gone } = batch.partition
    if (fatalError !== null) return deliveryError(batch, fatalError)
    if (gone !== null) return deliveryError(batch, gone)
    if (now >= batch.createdAt + deliveryTimeoutMs) return this.timeout(batch)
    // Giving up leaves the doubt; with idempotence, asking once more ends it.
    const isInDoubt = batch.isAmbiguous && isIdempotent
    if (isCounted && batch.countRetry() >= retries && !isInDoubt) return deliveryError(batch, error)
    if (gapless && batch.order < batch.partition.brokenBefore) {
      return deliveryError(batch, error, BEHIND_FAILURE)
    }
    return null
  }

  private timeout(batch: ProducerBatch): KafkaError {
    const obstacle = this.context.obstacleTo(batch.partition.leader)
    return timeoutError(batch, this.options.deliveryTimeoutMs, obstacle)
  }

  private outOfSequence(
    batch: ProducerBatch,
    response: PartitionProduceResponse,
    error: KafkaError,
    now: number,
  ): void {
    const { partition } = batch
    const { state } = partition
    const verdict = judgeSequenceError(response.errorCode, batch, state, response.logStartOffset)
    if (!this.isBumpingItself && verdict !== 'requeue' && verdict !== 'retry') {
      this.fail(batch, deliveryError(batch, error))
      return
    }
    switch (verdict) {
      case 'requeue':
      case 'awaitBump':
        this.retry(batch, error, now, false)
        break
      case 'retry':
        this.retry(batch, error, now)
        break
      case 'absent':
        batch.refuted()
        this.retry(batch, error, now, false)
        break
      case 'forgotten':
        state.requestBump(state.producerEpoch)
        this.retry(batch, error, now)
        break
      case 'inDoubt':
      case 'overtaken':
        this.fail(batch, deliveryError(batch, error))
        break
      case 'dataLoss':
        this.context.onDataLoss({
          topic: partition.topic.name,
          partition: partition.partition,
          lastAckedOffset: state.lastAckedOffset,
        })
        state.requestBump(state.producerEpoch)
        // Renumbered, a batch that was written after all would be doubled.
        if (batch.isAmbiguous) this.fail(batch, deliveryError(batch, error))
        else this.retry(batch, error, now)
    }
  }

  /** The partition knows a newer epoch of ours, so this attempt wrote nothing. */
  private staleEpoch(batch: ProducerBatch, error: KafkaError, now: number): void {
    batch.partition.state.requestBump(this.context.producer.epoch)
    batch.refuted()
    if (batch.isAmbiguous) this.fail(batch, deliveryError(batch, error))
    else this.retry(batch, error, now)
  }

  /** The end for its callers. What has numbers leaves a gap, now or when its request ends. */
  private fail(
    batch: ProducerBatch,
    error: KafkaError,
    recordErrors: ReadonlyMap<number, KafkaError> | null = null,
  ): void {
    const { partition } = batch
    this.context.accumulator.discarded(batch)
    if (!batch.isInFlight) this.giveUpNumbers(batch)
    this.settle(batch, error, -1n, -1, recordErrors)
    if (partition.queue.length + partition.inFlight === 0) this.context.problems.ended(partition)
    this.context.onBatchFailed?.(error, batch.stamp !== null)
    if (!this.options.gapless || error.cause instanceof ClosedError) return
    if (batch.order < partition.brokenBefore) return
    partition.brokenBefore = partition.batchCount
    this.failQueue(partition, error)
  }

  private failQueue(partition: PartitionQueue, error: KafkaError): void {
    for (const batch of [...partition.queue]) {
      if (!batch.isSettled) this.fail(batch, deliveryError(batch, error, BEHIND_FAILURE))
    }
  }

  /** The request of a batch has ended without success, long after its callers got a failure. */
  private endTombstone(batch: ProducerBatch): void {
    this.giveUpNumbers(batch)
    this.release(batch)
  }

  private giveUpNumbers(batch: ProducerBatch): void {
    const { state } = batch.partition
    if (this.context.producer.isTransactional) state.remove(batch)
    else state.leaveGap(batch)
  }

  private settle(
    batch: ProducerBatch,
    error: KafkaError | null,
    baseOffset: bigint,
    logAppendTimeMs: number,
    recordErrors: ReadonlyMap<number, KafkaError> | null = null,
  ): void {
    const { topic, partition } = batch.partition
    batch.settle()
    if (error !== null) this.context.metrics.failed(topic.name, batch.count)
    endTrace(batch, error, baseOffset)
    const place = { topic: topic.name, partition, baseOffset, logAppendTimeMs }
    const { observer } = this.context
    batch.deliveries.decide({ place, error, recordErrors }, batch.builder, observer !== null)
    if (observer !== null) this.report(batch.partition, observer)
    batch.deliveries.settle()
    this.context.flushes.leave(batch.generation)
    // Bytes that a socket may still hold are not free yet.
    if (!batch.isInFlight) this.release(batch)
  }

  /** Tells the observer what it can be told in append order: nothing before an earlier batch is decided. */
  private report({ unreported }: PartitionQueue, observer: RecordObserver): void {
    while (unreported?.peek()?.deliveries.isDecided) {
      const batch = unreported.shift()
      batch?.deliveries.report(batch.count, observer)
    }
  }

  private release(batch: ProducerBatch): void {
    this.context.memory.release(batch.chargedBytes, batch.count)
  }

  /** After each change: closes a gap if nothing is in flight or in doubt any more. */
  private settled(partition: PartitionQueue, now: number): void {
    const { state } = partition
    if (state.isBumping && partition.inFlight === 0 && state.nextToResend() === null) {
      for (const batch of [...state.unresolved]) {
        const error =
          partition.gone ??
          batch.firstError ??
          new KafkaError(`${partition} starts under a new epoch`)
        if (batch.isAmbiguous || state.isOvertaken(batch)) {
          this.fail(batch, deliveryError(batch, error))
        }
      }
      state.completeBump(this.context.producer)
    }
    this.context.accumulator.review(partition, now)
  }
}

const BEHIND_FAILURE = '. It was behind a batch of its partition that failed'

/** Between two attempts while the end of the transaction before is still being written. */
export const CONCURRENT_WAIT_MS = 20

function isConcurrent(error: KafkaError): boolean {
  return error instanceof BrokerError && error.errorCode === errorCodes.CONCURRENT_TRANSACTIONS
}

function isLongUnknown({ unknownSince }: PartitionTopic, now: number): boolean {
  return unknownSince > 0 && now - unknownSince >= UNKNOWN_TOPIC_BOUND_MS
}
