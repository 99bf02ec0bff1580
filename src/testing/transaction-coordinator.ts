// The transaction coordinator as a broker runs it, both before and with KIP-890 (a client says which by
// its versions). Without sockets or a clock: `now` comes with each call, deadlines are the owner's.

import { errorCodes } from '../protocol/error-codes.ts'
import type { BrokerProperties } from './broker-properties.ts'
import type { Deadlines } from './deadlines.ts'
import {
  isExhausted,
  keyOf,
  moveTo,
  newTransaction,
  type Participant,
  type ProducerIdentity,
  type Transaction,
} from './transaction.ts'

export interface CoordinatorResponse extends ProducerIdentity {
  readonly errorCode: number
}

export interface TransactionCoordinatorOptions {
  readonly properties: BrokerProperties
  readonly deadlines: Deadlines
  /** Milliseconds since 1970. */
  readonly wallClock: () => number
  readonly newProducerId: () => bigint
  /** Ends the transaction in what takes part in it. Returns the keys of those that it could reach. */
  readonly writeMarkers: (transaction: Transaction, type: 'COMMIT' | 'ABORT') => string[]
}

const MARKER_RETRY_MS = 20

export class TransactionCoordinator {
  readonly transactions: Map<string, Transaction> = new Map()
  private readonly options: TransactionCoordinatorOptions

  constructor(options: TransactionCoordinatorOptions) {
    this.options = options
  }

  /** `expected`: who the producer believes to be; null: a new one, which fences all before. */
  initProducerId(
    transactionalId: string,
    timeoutMs: number,
    expected: ProducerIdentity | null,
    now: number,
  ): CoordinatorResponse {
    if (transactionalId === '') return failed(errorCodes.INVALID_REQUEST)
    if (timeoutMs <= 0 || timeoutMs > this.options.properties.transactionMaxTimeoutMs) {
      return failed(errorCodes.INVALID_TRANSACTION_TIMEOUT)
    }
    let transaction = this.transactions.get(transactionalId)
    if (transaction === undefined) {
      transaction = newTransaction(transactionalId, this.options.newProducerId())
      this.transactions.set(transactionalId, transaction)
    }
    if (expected !== null && !mayBe(transaction, expected)) {
      return failed(errorCodes.PRODUCER_FENCED)
    }
    if (transaction.state === 'PrepareCommit' || transaction.state === 'PrepareAbort') {
      return failed(errorCodes.CONCURRENT_TRANSACTIONS)
    }
    if (transaction.state === 'Ongoing') {
      this.fenceAndAbort(transaction, now)
      return failed(errorCodes.CONCURRENT_TRANSACTIONS)
    }
    const error = this.nextEpoch(transaction, expected)
    if (error !== 0) return failed(error)
    moveTo(transaction, 'Empty')
    transaction.timeoutMs = timeoutMs
    transaction.startedAtMs = -1
    return identified(transaction)
  }

  /** The error of participants that are to be added; 0: they are in. */
  add(
    transactionalId: string,
    producer: ProducerIdentity,
    participants: Participant[],
    now: number,
  ): number {
    const transaction = this.transactions.get(transactionalId)
    const error = checkProducer(transactionalId, transaction, producer)
    if (error !== 0 || transaction === undefined) return error
    if (transaction.state !== 'Ongoing') {
      moveTo(transaction, 'Ongoing')
      transaction.startedAtMs = this.options.wallClock()
      this.options.deadlines.set(timeoutName(transaction), now + transaction.timeoutMs, (later) =>
        this.fenceAndAbort(transaction, later),
      )
    }
    for (const participant of participants) {
      transaction.participants.set(keyOf(participant), participant)
    }
    return 0
  }

  /** The error of a write to something that must be in the transaction already; 0: it is. */
  verify(transactionalId: string, producer: ProducerIdentity, participant: Participant): number {
    const transaction = this.transactions.get(transactionalId)
    const error = checkProducer(transactionalId, transaction, producer)
    if (error !== 0 || transaction === undefined) return error
    return transaction.participants.has(keyOf(participant)) ? 0 : errorCodes.TRANSACTION_ABORTABLE
  }

  /** `bumps`: the client's version raises the epoch with each end (KIP-890). */
  end(
    transactionalId: string,
    producer: ProducerIdentity,
    committed: boolean,
    bumps: boolean,
    now: number,
  ): CoordinatorResponse {
    const transaction = this.transactions.get(transactionalId)
    if (transactionalId === '') return failed(errorCodes.INVALID_REQUEST)
    if (transaction === undefined) return failed(errorCodes.INVALID_PRODUCER_ID_MAPPING)
    const isRepeated = bumps && repeatsEnd(transaction, producer)
    if (transaction.producerId !== producer.producerId && !repeatsOverflow(transaction, producer)) {
      return failed(errorCodes.INVALID_PRODUCER_ID_MAPPING)
    }
    if (!mayEnd(transaction, producer, bumps)) return failed(errorCodes.PRODUCER_FENCED)
    const { state } = transaction
    const isSameEnd = state.endsWith(committed ? 'Commit' : 'Abort')
    switch (state) {
      case 'Ongoing':
        return this.prepareEnd(transaction, committed, bumps, now)
      case 'PrepareCommit':
      case 'PrepareAbort':
        return failed(isSameEnd ? errorCodes.CONCURRENT_TRANSACTIONS : errorCodes.INVALID_TXN_STATE)
      case 'CompleteCommit':
      case 'CompleteAbort':
        if (isSameEnd && (isRepeated || !bumps)) return identified(transaction)
        if (committed || isRepeated || !bumps) return failed(errorCodes.INVALID_TXN_STATE)
        return this.prepareEnd(transaction, committed, bumps, now)
      case 'Empty':
        if (committed || !bumps) return failed(errorCodes.INVALID_TXN_STATE)
        return this.prepareEnd(transaction, committed, bumps, now)
    }
  }

  private nextEpoch(transaction: Transaction, expected: ProducerIdentity | null): number {
    const { producerId, producerEpoch, lastProducerEpoch } = transaction
    const isExpected = expected === null || expected.producerEpoch === producerEpoch
    if (isExhausted(producerEpoch) && isExpected) {
      transaction.previousProducerId = producerId
      transaction.producerId = this.options.newProducerId()
      transaction.producerEpoch = 0
      transaction.lastProducerEpoch = expected === null ? -1 : producerEpoch
      return 0
    }
    transaction.previousProducerId = producerId
    if (expected === null) transaction.lastProducerEpoch = -1
    else if (producerEpoch === -1 || isExpected) transaction.lastProducerEpoch = producerEpoch
    // Its first attempt succeeded, but the response was lost: it gets the same epoch again.
    else if (expected.producerEpoch === lastProducerEpoch) return 0
    else return errorCodes.PRODUCER_FENCED
    transaction.producerEpoch = producerEpoch + 1
    return 0
  }

  /** Ends a transaction in the place of its producer, which can do nothing any more. */
  private fenceAndAbort(transaction: Transaction, now: number): void {
    if (transaction.state !== 'Ongoing') return
    // With KIP-890 the raised epoch counts as that of an end, which the fenced producer may repeat.
    const isEnd = this.options.properties.transactionVersion >= 2
    transaction.lastProducerEpoch = isEnd ? transaction.producerEpoch : -1
    transaction.producerEpoch++
    this.prepareEnd(transaction, false, false, now)
  }

  /** The response is what the producer continues with: with KIP-890 one epoch more, or another id. */
  private prepareEnd(
    transaction: Transaction,
    committed: boolean,
    bumps: boolean,
    now: number,
  ): CoordinatorResponse {
    const { deadlines, properties, newProducerId } = this.options
    deadlines.delete(timeoutName(transaction))
    if (transaction.state !== 'Ongoing') transaction.startedAtMs = this.options.wallClock()
    transaction.nextProducerId = -1n
    if (bumps) {
      if (isExhausted(transaction.producerEpoch)) transaction.nextProducerId = newProducerId()
      transaction.lastProducerEpoch = transaction.producerEpoch
      transaction.producerEpoch++
    }
    moveTo(transaction, committed ? 'PrepareCommit' : 'PrepareAbort')
    const { nextProducerId } = transaction
    const response =
      nextProducerId >= 0n
        ? { errorCode: 0, producerId: nextProducerId, producerEpoch: 0 }
        : identified(transaction)
    const delay = properties.transactionMarkerDelayMs
    if (delay === 0) this.complete(transaction, now)
    else this.completeAt(transaction, now + delay)
    return response
  }

  private completeAt(transaction: Transaction, at: number): void {
    const name = `markers ${transaction.transactionalId}`
    this.options.deadlines.set(name, at, (now) => this.complete(transaction, now))
  }

  /** Writes markers until all have theirs; a partition without a leader is waited for. */
  private complete(transaction: Transaction, now: number): void {
    const committed = transaction.state === 'PrepareCommit'
    const reached = this.options.writeMarkers(transaction, committed ? 'COMMIT' : 'ABORT')
    for (const key of reached) transaction.participants.delete(key)
    if (transaction.participants.size > 0) {
      this.completeAt(transaction, now + MARKER_RETRY_MS)
      return
    }
    moveTo(transaction, committed ? 'CompleteCommit' : 'CompleteAbort')
    if (transaction.nextProducerId < 0n) return
    transaction.previousProducerId = transaction.producerId
    transaction.producerId = transaction.nextProducerId
    transaction.producerEpoch = 0
    transaction.nextProducerId = -1n
  }
}

/** Whether a producer that gives an identity may be the owner; its epoch is looked at later. */
function mayBe(transaction: Transaction, { producerId, producerEpoch }: ProducerIdentity): boolean {
  return (
    transaction.producerEpoch === -1 ||
    producerId === transaction.producerId ||
    (producerId === transaction.previousProducerId && isExhausted(producerEpoch))
  )
}

/** Whether an EndTxn comes from the owner; a repeated one has the epoch before its end. */
function mayEnd(transaction: Transaction, producer: ProducerIdentity, bumps: boolean): boolean {
  const isCurrent = transaction.producerEpoch === producer.producerEpoch
  if (!bumps) return isCurrent
  if (transaction.state.startsWith('Prepare')) return repeatsEnd(transaction, producer)
  if (!transaction.state.startsWith('Complete')) return isCurrent
  return isCurrent || repeatsEnd(transaction, producer)
}

function repeatsOverflow(transaction: Transaction, producer: ProducerIdentity): boolean {
  return (
    transaction.previousProducerId === producer.producerId &&
    isExhausted(producer.producerEpoch) &&
    transaction.producerEpoch === 0
  )
}

/** Whether an EndTxn that raises the epoch is one that was done already, whose response was lost. */
function repeatsEnd(transaction: Transaction, producer: ProducerIdentity): boolean {
  const isOneBehind = transaction.producerEpoch === producer.producerEpoch + 1
  return isOneBehind || repeatsOverflow(transaction, producer)
}

function checkProducer(
  transactionalId: string,
  transaction: Transaction | undefined,
  { producerId, producerEpoch }: ProducerIdentity,
): number {
  if (transactionalId === '') return errorCodes.INVALID_REQUEST
  if (transaction === undefined || transaction.producerId !== producerId) {
    return errorCodes.INVALID_PRODUCER_ID_MAPPING
  }
  if (transaction.producerEpoch !== producerEpoch) return errorCodes.PRODUCER_FENCED
  const isEnding = transaction.state === 'PrepareCommit' || transaction.state === 'PrepareAbort'
  return isEnding ? errorCodes.CONCURRENT_TRANSACTIONS : 0
}

function identified({ producerId, producerEpoch }: ProducerIdentity): CoordinatorResponse {
  return { errorCode: 0, producerId, producerEpoch }
}

function failed(errorCode: number): CoordinatorResponse {
  return { errorCode, producerId: -1n, producerEpoch: -1 }
}

function timeoutName({ transactionalId }: Transaction): string {
  return `transaction ${transactionalId}`
}
