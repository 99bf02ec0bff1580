// One transactional id as its coordinator knows it: the producer that owns it, the state of its
// transaction, and what takes part in that.

export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'

/** What takes part in a transaction: a partition that is written to, a group whose offsets are. */
export type Participant = { topic: string; partition: number } | { groupId: string }

/** A producer by its id and epoch; both -1: none. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface Transaction {
  readonly transactionalId: string
  producerId: bigint
  producerEpoch: number
  /** The producer id before a change of ids; -1: there was none. */
  previousProducerId: bigint
  /** The epoch before the last one, which a repeated InitProducerId may still name; -1: none may. */
  lastProducerEpoch: number
  /** The producer id that follows when the markers are written; -1: the same. */
  nextProducerId: bigint
  timeoutMs: number
  state: TransactionState
  /** By a key of their own. */
  readonly participants: Map<string, Participant>
  startedAtMs: number
}

/** Epochs end here: at this one a producer gets another id. */
const LAST_EPOCH = 0x7fff - 1

const previousStates: Record<TransactionState, readonly TransactionState[]> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  // With KIP-890 also a transaction that has not begun can be aborted.
  PrepareAbort: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
}

export function newTransaction(transactionalId: string, producerId: bigint): Transaction {
  return {
    transactionalId,
    producerId,
    producerEpoch: -1,
    previousProducerId: -1n,
    lastProducerEpoch: -1,
    nextProducerId: -1n,
    timeoutMs: 0,
    state: 'Empty',
    participants: new Map(),
    startedAtMs: -1,
  }
}

export function moveTo(transaction: Transaction, state: TransactionState): void {
  if (!previousStates[state].includes(transaction.state)) {
    const { transactionalId } = transaction
    throw new Error(
      `transaction ${transactionalId} cannot go from ${transaction.state} to ${state}`,
    )
  }
  transaction.state = state
}

export function isExhausted(producerEpoch: number): boolean {
  return producerEpoch >= LAST_EPOCH
}

export function keyOf(participant: Participant): string {
  return 'groupId' in participant
    ? `group ${participant.groupId}`
    : `${participant.topic} ${participant.partition}`
}
