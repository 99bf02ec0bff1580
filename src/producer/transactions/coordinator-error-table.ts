// What an error code in a response of a coordinator means: the table of docs/internals/producer.md, section 7. Where a
// response has a code for each partition, `worst` says which one decides.

import { errorCodes, isRetriable, isUninformative } from '../../protocol/error-codes.ts'

export type CoordinatorRequest =
  | 'initProducerId'
  | 'addPartitionsToTxn'
  | 'addOffsetsToTxn'
  | 'txnOffsetCommit'
  | 'commit'
  | 'abort'

export type CoordinatorVerdict =
  | 'done'
  /** Another broker coordinates: find it, then send the same request again. */
  | 'find'
  | 'retry'
  /** Retry; the coordinator may have done what the request asks for. */
  | 'retryInDoubt'
  /** Another producer has the transactional id now, or the transaction ran out of time. */
  | 'fenced'
  /** The coordinator's transaction is in another state than this producer's: only fencing is left. */
  | 'fatal'
  /** Nothing was done: the caller may make the same call again. */
  | 'refused'
  /** `transactionTimeoutMs` is more than the brokers allow. */
  | 'timeoutTooLong'
  | 'abortable'
  /**
   * Abortable (an abort is done), and the producer needs another epoch or id; fatal where it cannot get one.
   */
  | 'forgotten'

const code = errorCodes

const ofAll: ReadonlyMap<number, CoordinatorVerdict> = new Map<number, CoordinatorVerdict>([
  [code.NONE, 'done'],
  [code.COORDINATOR_NOT_AVAILABLE, 'find'],
  [code.NOT_COORDINATOR, 'find'],
  [code.INVALID_PRODUCER_EPOCH, 'fenced'],
  [code.PRODUCER_FENCED, 'fenced'],
  [code.INVALID_TXN_STATE, 'fatal'],
])

const identityLost: readonly (readonly [number, CoordinatorVerdict])[] = [
  [code.INVALID_PRODUCER_ID_MAPPING, 'forgotten'],
  [code.UNKNOWN_PRODUCER_ID, 'forgotten'],
]

/** The codes of each request that mean something else there than in `ofAll`. */
const ofRequest: Readonly<Record<CoordinatorRequest, ReadonlyMap<number, CoordinatorVerdict>>> = {
  initProducerId: new Map<number, CoordinatorVerdict>([
    [code.INVALID_TXN_STATE, 'refused'],
    [code.INVALID_TRANSACTION_TIMEOUT, 'timeoutTooLong'],
  ]),
  addPartitionsToTxn: new Map(identityLost),
  addOffsetsToTxn: new Map(identityLost),
  txnOffsetCommit: new Map<number, CoordinatorVerdict>([
    ...identityLost,
    [code.REQUEST_TIMED_OUT, 'find'],
    // The topic was created again: its offsets are to be looked for once more.
    [code.UNKNOWN_TOPIC_ID, 'abortable'],
  ]),
  commit: new Map<number, CoordinatorVerdict>([
    ...identityLost,
    // With KIP-890 that is the response once the brokers have aborted it, as its time was over.
    [code.INVALID_TXN_STATE, 'fenced'],
  ]),
  abort: new Map(identityLost),
}

/** What any other code means, as it changes nothing at the coordinator. */
const otherwise: Readonly<Record<CoordinatorRequest, CoordinatorVerdict>> = {
  initProducerId: 'refused',
  addPartitionsToTxn: 'abortable',
  addOffsetsToTxn: 'abortable',
  txnOffsetCommit: 'abortable',
  commit: 'abortable',
  abort: 'refused',
}

/**
 * What UNKNOWN_SERVER_ERROR means, and a code that a newer broker may send: nothing is known of what was
 * done. An abort undoes what was added; ids and ends have to be asked for again.
 */
const unknownOutcome: Readonly<Record<CoordinatorRequest, CoordinatorVerdict>> = {
  initProducerId: 'retry',
  addPartitionsToTxn: 'abortable',
  addOffsetsToTxn: 'abortable',
  txnOffsetCommit: 'abortable',
  commit: 'retryInDoubt',
  abort: 'retryInDoubt',
}

/** The verdict of a code. One without a row is retried if the protocol marks it retriable. */
export function coordinatorVerdict(
  request: CoordinatorRequest,
  errorCode: number,
): CoordinatorVerdict {
  const verdict = ofRequest[request].get(errorCode) ?? ofAll.get(errorCode)
  if (verdict !== undefined) return verdict
  if (isRetriable(errorCode)) return 'retry'
  return isUninformative(errorCode) ? unknownOutcome[request] : otherwise[request]
}

/** The verdict of FindCoordinator: nothing was asked of a coordinator yet. */
export function findCoordinatorVerdict(
  request: CoordinatorRequest,
  errorCode: number,
): CoordinatorVerdict {
  return isRetriable(errorCode) || isUninformative(errorCode) ? 'retry' : otherwise[request]
}

/** The verdict of an error without a response that no retry can mend: credentials, versions. */
export function localVerdict(request: CoordinatorRequest): CoordinatorVerdict {
  return request === 'commit' ? 'refused' : otherwise[request]
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
