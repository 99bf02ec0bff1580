// The states of a transactional producer and the next request they need. No I/O: transaction-lifecycle.ts asks,
// acts, and says here what came of it. What the gates look at is in producer-identity.ts, written from here.

import {
  InvalidTransactionStateError,
  type KafkaError,
  TransactionAbortableError,
} from '../../errors.ts'
import type { ProducerIdentity } from '../idempotence/producer-identity.ts'

export type TransactionState =
  /** There is no producer id. */
  | 'uninitialized'
  /** InitProducerId is in progress: for a first id, or for the next epoch. */
  | 'initializing'
  | 'ready'
  | 'inTransaction'
  /** All of it is being sent, then EndTxn. Without a response in time, it stays so. */
  | 'committing'
  | 'aborting'
  /** Something of it failed: nothing more is sent, and it can only be aborted. */
  | 'abortable'
  /** For good. */
  | 'fatal'

const transitions: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  uninitialized: ['initializing'],
  initializing: ['ready', 'uninitialized'],
  ready: ['initializing', 'inTransaction'],
  inTransaction: ['committing', 'aborting', 'abortable'],
  committing: ['ready', 'abortable', 'initializing'],
  aborting: ['ready', 'initializing'],
  abortable: ['aborting'],
  fatal: [],
}

export type TransactionCall =
  | 'initTransactions'
  | 'beginTransaction'
  | 'send'
  | 'sendOffsets'
  | 'commitTransaction'
  | 'abortTransaction'

/** Where each call is legal. That an end is repeated whose outcome is unknown is part of it. */
const legal: Readonly<Record<TransactionCall, readonly TransactionState[]>> = {
  initTransactions: ['uninitialized', 'ready', 'committing', 'aborting'],
  beginTransaction: ['uninitialized', 'initializing', 'ready'],
  send: ['inTransaction'],
  sendOffsets: ['inTransaction'],
  commitTransaction: ['inTransaction', 'committing'],
  abortTransaction: ['inTransaction', 'abortable', 'aborting'],
}

const advice: Readonly<Record<TransactionState, string>> = {
  uninitialized: 'no transaction has begun: call beginTransaction() first',
  initializing: 'initTransactions() is in progress: await it, then call beginTransaction()',
  ready: 'no transaction is open: call beginTransaction() first',
  inTransaction:
    'a transaction is open: send() and sendOffsets() belong to it, commitTransaction() or abortTransaction() ends it',
  committing:
    'the transaction is being committed: await commitTransaction(), or call it again if its outcome is unknown (or initTransactions())',
  aborting:
    'the transaction is being aborted: await abortTransaction(), or call it again if its outcome is unknown (or initTransactions())',
  abortable: 'call abortTransaction()',
  fatal: 'close this producer',
}

export class TransactionManager {
  /** Whether the protocol of KIP-890 is spoken: each end gives the next epoch. */
  usesVersion2 = false
  /** Whether the coordinator can raise the epoch of a producer that it knows (InitProducerId v3). */
  canBump = false
  private readonly producer: ProducerIdentity
  private current: TransactionState = 'uninitialized'
  private count = 0
  private failure: KafkaError | null = null
  /** Whether the coordinator holds this transaction as open, as it was asked to add something to it. */
  private atCoordinator: 'nothing' | 'inDoubt' | 'open' = 'nothing'
  /** EndTxn decides from here on: what fails now can change nothing. */
  private isEnding = false
  /** An EndTxn may have been written whose response never came. */
  private isInDoubt = false
  /** Before the next transaction, InitProducerId has to raise the epoch. */
  private owesBump = false
  /** The same where it cannot: then only a new start helps. */
  private owesInit = false

  constructor(producer: ProducerIdentity) {
    this.producer = producer
  }

  get state(): TransactionState {
    return this.producer.fatalError === null ? this.current : 'fatal'
  }

  /** Whether records and offsets that it was given are still on their way into the transaction. */
  get isGoing(): boolean {
    const { state } = this
    return state === 'inTransaction' || state === 'committing'
  }

  /** Whether there is a transaction that has no end yet. */
  get isOpen(): boolean {
    const { state } = this
    return this.isGoing || state === 'abortable' || state === 'aborting'
  }

  /** Whether EndTxn may have reached the coordinator, without a response. */
  get isOutcomeUnknown(): boolean {
    return this.isInDoubt
  }

  /** What is to be asked before a transaction can begin: a first id, the next epoch, or nothing. */
  get nextIdentity(): 'first' | 'bump' | null {
    if (this.producer.producerId < 0n || this.owesInit) return 'first'
    return this.owesBump ? 'bump' : null
  }

  /**
   * Whether the end has to be told to the coordinator. With KIP-890 a batch that was tried may have made
   * the broker add its partition, whatever it responded.
   */
  get mustEnd(): boolean {
    return this.atCoordinator !== 'nothing' || (this.usesVersion2 && this.producer.hasNumbered)
  }

  /** Before KIP-890: whether the coordinator may respond that it knows of no transaction to abort. */
  get mayBeUnknown(): boolean {
    return !this.usesVersion2 && this.atCoordinator === 'inDoubt'
  }

  /** @throws InvalidTransactionStateError, TransactionAbortableError, or the fatal error */
  require(call: TransactionCall): void {
    if (!legal[call].includes(this.state)) throw this.refusal(call)
    if (call === 'beginTransaction' && this.state === 'ready' && this.owesInit) {
      throw new InvalidTransactionStateError(
        'beginTransaction() was refused: an earlier end of a transaction may still be on its way, and these brokers (before Kafka 2.5) cannot tell it from the next one: call initTransactions() first',
      )
    }
  }

  /** Why a call cannot be served in this state. */
  refusal(call: TransactionCall): KafkaError {
    const { fatalError } = this.producer
    if (fatalError !== null) return fatalError
    if (this.current === 'abortable') {
      return new TransactionAbortableError(
        `${call}() was refused, as something of the transaction failed: ${this.failure?.message}: call abortTransaction(), then begin it again`,
        { cause: this.failure },
      )
    }
    return new InvalidTransactionStateError(`${call}() was refused: ${advice[this.current]}`)
  }

  /** InitProducerId is asked for a first id, which ends what may be open, or for the next epoch. */
  initializing(kind: 'first' | 'bump'): void {
    this.moveTo('initializing')
    if (kind === 'first') this.owesInit = true
  }

  /** InitProducerId failed. The transaction that it was to end is not known to have ended. */
  initFailed(): void {
    this.moveTo(this.owesInit ? 'uninitialized' : 'ready')
  }

  /** InitProducerId succeeded. */
  initialized(id: { producerId: bigint; producerEpoch: number }, usesVersion2: boolean): void {
    this.producer.adopt(id.producerId, id.producerEpoch)
    this.owesBump = false
    this.owesInit = false
    this.leave(usesVersion2)
    this.moveTo('ready')
  }

  begin(): void {
    this.moveTo('inTransaction')
    this.producer.enterTransaction(
      ++this.count,
      this.usesVersion2 ? undefined : MOST_PRODUCE_BEFORE_890,
    )
  }

  /** The coordinator has added something: by that the transaction is open there. */
  added(): void {
    this.atCoordinator = 'open'
  }

  /** It was asked to, and did not respond. */
  addInDoubt(): void {
    if (this.atCoordinator === 'nothing') this.atCoordinator = 'inDoubt'
  }

  /** Something failed. Returns whether that is news: unsent records then fail with it. */
  abortable(error: KafkaError): boolean {
    if (!this.isGoing || this.isEnding) return false
    this.failure = error
    this.moveTo('abortable')
    this.producer.closeTransaction()
    return true
  }

  /** Sequence numbers were given out that will never be written, or the coordinator lost our epoch. */
  lostNumbers(): void {
    this.owesBump = true
  }

  committing(): void {
    if (this.state !== 'committing') this.moveTo('committing')
  }

  aborting(): void {
    if (this.state !== 'aborting') this.moveTo('aborting')
    this.producer.closeTransaction()
  }

  /** All of it has its outcome, and EndTxn is asked for. */
  ending(): void {
    this.isEnding = true
  }

  /** EndTxn was refused: the transaction continues. */
  endRefused(): void {
    this.isEnding = false
  }

  /** An attempt of EndTxn may have reached the coordinator, but its response did not come. */
  endInDoubt(): void {
    this.isInDoubt = true
  }

  /**
   * The transaction has its end. Before KIP-890 a late attempt of EndTxn could decide a later transaction
   * of the same epoch (KAFKA-17754): after one in doubt the epoch is raised.
   * @param next the identity that the response gives; null: the same as before
   */
  ended(next: { producerId: bigint; producerEpoch: number } | null, usesVersion2: boolean): void {
    if (next !== null) {
      this.producer.adopt(next.producerId, next.producerEpoch)
      this.owesBump = false
    } else if (this.isInDoubt || this.mayBeUnknown) {
      // So could a late request that adds something.
      if (this.canBump) this.owesBump = true
      else this.owesInit = true
    }
    if (usesVersion2 && !this.usesVersion2) this.owesBump = true
    this.leave(usesVersion2)
    this.moveTo('ready')
  }

  private leave(usesVersion2: boolean): void {
    this.usesVersion2 = usesVersion2
    this.producer.closeTransaction()
    this.atCoordinator = 'nothing'
    this.isEnding = false
    this.isInDoubt = false
    this.failure = null
  }

  private moveTo(next: TransactionState): void {
    if (!transitions[this.state].includes(next)) {
      // Calls are checked before: this is a bug, and nothing may continue after it.
      throw new RangeError(`a transaction cannot go from ${this.state} to ${next}`)
    }
    this.current = next
  }
}

/** From v12 of Produce on the broker adds the partition to the transaction by itself. */
const MOST_PRODUCE_BEFORE_890 = 11
