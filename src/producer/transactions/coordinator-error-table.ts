// What an error code in an answer of a coordinator means: the table of producer.md, section 7. Where an
// answer has a code for each partition, `worst` says which one decides.

import { errorCodes, isRetriable } from '../../protocol/error-codes.ts'

export type CoordinatorRequest =
  | 'initProducerId'
  | 'addPartitionsToTxn'
  | 'addOffsetsToTxn'
  | 'txnOffsetCommit'
  | 'commit'
  | 'abort'

export type CoordinatorVerdict =
  | 'done'
  /** Another broker coordinates: find it, then the same once more. */
  | 'find'
  | 'retry'
  /** Another producer has the transactional id now, or the transaction ran out of time. */
  | 'fenced'
  | 'fatal'
  /** No id: the caller may ask again. */
  | 'refused'
  /** `transactionTimeoutMs` is more than the brokers allow. */
  | 'timeoutTooLong'
  | 'abortable'
  /** Abortable, and the epoch has to be raised; fatal where it cannot. */
  | 'forgotten'

const code = errorCodes

const ofAll: ReadonlyMap<number, CoordinatorVerdict> = new Map<number, CoordinatorVerdict>([
  [code.NONE, 'done'],
  [code.COORDINATOR_NOT_AVAILABLE, 'find'],
  [code.NOT_COORDINATOR, 'find'],
  [code.INVALID_PRODUCER_EPOCH, 'fenced'],
  [code.PRODUCER_FENCED, 'fenced'],
  [code.INVALID_PRODUCER_ID_MAPPING, 'fatal'],
  [code.INVALID_TXN_STATE, 'fatal'],
  [code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'fatal'],
  [code.UNKNOWN_PRODUCER_ID, 'forgotten'],
  [code.TOPIC_AUTHORIZATION_FAILED, 'abortable'],
  [code.OPERATION_NOT_ATTEMPTED, 'abortable'],
  [code.GROUP_AUTHORIZATION_FAILED, 'abortable'],
  [code.TRANSACTION_ABORTABLE, 'abortable'],
  [code.INVALID_TRANSACTION_TIMEOUT, 'timeoutTooLong'],
])

const ofRequest: Readonly<
  Record<CoordinatorRequest, ReadonlyMap<number, CoordinatorVerdict> | null>
> = {
  initProducerId: new Map<number, CoordinatorVerdict>([
    [code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'refused'],
    [code.CLUSTER_AUTHORIZATION_FAILED, 'refused'],
    [code.TRANSACTION_ABORTABLE, 'refused'],
  ]),
  addPartitionsToTxn: null,
  addOffsetsToTxn: null,
  txnOffsetCommit: new Map<number, CoordinatorVerdict>([
    [code.REQUEST_TIMED_OUT, 'find'],
    [code.ILLEGAL_GENERATION, 'abortable'],
    [code.UNKNOWN_MEMBER_ID, 'abortable'],
    [code.FENCED_INSTANCE_ID, 'abortable'],
    [code.STALE_MEMBER_EPOCH, 'abortable'],
  ]),
  // With KIP-890 that is the answer once the brokers have aborted it, as its time was over.
  commit: new Map<number, CoordinatorVerdict>([[code.INVALID_TXN_STATE, 'fenced']]),
  abort: new Map<number, CoordinatorVerdict>([
    [code.TRANSACTION_ABORTABLE, 'fatal'],
    [code.UNKNOWN_PRODUCER_ID, 'fatal'],
  ]),
}

/** The row of a code. What is not in the table is tried again if the protocol says so, else fatal. */
export function coordinatorVerdict(
  request: CoordinatorRequest,
  errorCode: number,
): CoordinatorVerdict {
  const verdict = ofRequest[request]?.get(errorCode) ?? ofAll.get(errorCode)
  return verdict ?? (isRetriable(errorCode) ? 'retry' : 'fatal')
}

const byWeight: readonly CoordinatorVerdict[] = [
  'fenced',
  'fatal',
  'forgotten',
  'abortable',
  'find',
  'retry',
]

/** Of the codes of all partitions, the one that decides; 0 if all succeeded. */
export function worst(request: CoordinatorRequest, codes: Iterable<number>): number {
  let found = 0
  let weight = byWeight.length
  for (const errorCode of codes) {
    const own = weightOf(request, errorCode)
    if (errorCode === 0 || own >= weight) continue
    found = errorCode
    weight = own
  }
  return found
}

/** That a partition was not attempted says nothing: another one's code says why. */
function weightOf(request: CoordinatorRequest, errorCode: number): number {
  if (errorCode === code.OPERATION_NOT_ATTEMPTED) return byWeight.length - 0.5
  return byWeight.indexOf(coordinatorVerdict(request, errorCode))
}
