// Words for what a broker refuses: which call, which item, the broker's own reason, and the way out.

import { BrokerError, KafkaError, UnsupportedVersionError } from '../errors.ts'
import { controllerHint } from '../network/connection.ts'
import { codeName, type ErrorCodeName, isRetriable } from '../protocol/error-codes.ts'

interface Explanation {
  /** What the code means, for brokers that send no text with it. */
  readonly reason: string
  /** What the caller can do. */
  readonly hint?: string
}

const explanations: Partial<Record<ErrorCodeName, Explanation>> = {
  UNKNOWN_SERVER_ERROR: {
    reason: 'the broker failed unexpectedly',
    hint: "Look for the cause in the broker's log.",
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    reason: 'there is no such topic or partition',
    hint: 'List the topics to see the names that exist, and check that this principal may describe it.',
  },
  UNKNOWN_TOPIC_ID: { reason: 'no topic has this id' },
  INVALID_TOPIC_EXCEPTION: {
    reason: 'the topic name is not valid',
    hint: 'Names have 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-".',
  },
  TOPIC_ALREADY_EXISTS: { reason: 'the topic already exists' },
  TOPIC_DELETION_DISABLED: {
    reason: 'the brokers do not allow topics to be deleted',
    hint: 'Set delete.topic.enable=true on the brokers.',
  },
  INVALID_PARTITIONS: {
    reason: 'the number of partitions is not valid',
    hint: 'Partitions can be added, never removed: give a greater number than the topic has.',
  },
  INVALID_REPLICATION_FACTOR: {
    reason: 'the replication factor is not valid',
    hint: 'It can be at most the number of running brokers.',
  },
  INVALID_REPLICA_ASSIGNMENT: {
    reason: 'the replica assignment is not valid',
    hint: 'Name brokers that exist, each once, and the same number for every partition.',
  },
  INVALID_CONFIG: { reason: 'a config name or value is not valid' },
  POLICY_VIOLATION: { reason: 'a policy of the cluster forbids it' },
  TOPIC_AUTHORIZATION_FAILED: {
    reason: 'this principal has no right to do that to the topic',
    hint: 'Grant it the operation on the topic with an ACL.',
  },
  GROUP_AUTHORIZATION_FAILED: {
    reason: 'this principal has no right to do that to the group',
    hint: 'Grant it the operation on the group with an ACL.',
  },
  CLUSTER_AUTHORIZATION_FAILED: {
    reason: 'this principal has no right to do that to the cluster',
    hint: 'Grant it the operation on the cluster with an ACL.',
  },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: {
    reason: 'this principal has no right to use the transactional id',
    hint: 'Grant it the operation on the transactional id with an ACL.',
  },
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: {
    reason: 'this principal has no right to the delegation token',
  },
  SECURITY_DISABLED: {
    reason: 'the cluster has no authorizer',
    hint: 'Set authorizer.class.name on the brokers and controllers to use ACLs.',
  },
  NON_EMPTY_GROUP: {
    reason: 'the group has active members',
    hint: 'Stop its members first, and wait until the group is Empty.',
  },
  UNKNOWN_MEMBER_ID: {
    reason: 'the group has active members, or no member with this id',
    hint: 'Offsets of a group can be changed when it is Empty: stop its members first.',
  },
  GROUP_ID_NOT_FOUND: {
    reason: 'there is no such group',
    hint: 'List the groups to see the ids that exist.',
  },
  INVALID_GROUP_ID: { reason: 'the group id is not valid', hint: 'It must not be empty.' },
  GROUP_SUBSCRIBED_TO_TOPIC: {
    reason: 'the group is subscribed to the topic',
    hint: 'Stop the members that read it first.',
  },
  OFFSET_OUT_OF_RANGE: {
    reason: 'the offset is outside of the log',
    hint: 'List the earliest and latest offsets to see what the log holds.',
  },
  ELECTION_NOT_NEEDED: { reason: 'the leader is already the one that would be elected' },
  PREFERRED_LEADER_NOT_AVAILABLE: {
    reason: 'the preferred leader is not in sync, or not running',
    hint: 'Start its broker and wait until the replica is in the ISR.',
  },
  ELIGIBLE_LEADERS_NOT_AVAILABLE: { reason: 'no replica that may become leader is running' },
  NO_REASSIGNMENT_IN_PROGRESS: { reason: 'there is no reassignment to cancel' },
  LOG_DIR_NOT_FOUND: {
    reason: 'the broker has no such log directory',
    hint: "Describe the broker's log directories to see their paths.",
  },
  KAFKA_STORAGE_ERROR: { reason: 'the log directory is offline' },
  RESOURCE_NOT_FOUND: { reason: 'it does not exist' },
  DUPLICATE_RESOURCE: { reason: 'it is given more than once' },
  UNACCEPTABLE_CREDENTIAL: {
    reason: 'the credential is not acceptable',
    hint: 'Iterations are at least 4096 and at most 16384, and the user name is not empty.',
  },
  DELEGATION_TOKEN_AUTH_DISABLED: {
    reason: 'delegation tokens are not enabled',
    hint: 'Set delegation.token.secret.key on the brokers and controllers.',
  },
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: {
    reason: 'delegation tokens cannot be managed over this connection',
    hint: 'Connect with SASL or mutual TLS, and not with a delegation token.',
  },
  DELEGATION_TOKEN_NOT_FOUND: { reason: 'there is no such delegation token' },
  DELEGATION_TOKEN_OWNER_MISMATCH: {
    reason: 'this principal is neither the owner nor a renewer of the delegation token',
  },
  DELEGATION_TOKEN_EXPIRED: { reason: 'the delegation token has expired' },
  INVALID_PRINCIPAL_TYPE: { reason: 'the principal type is not User' },
  TRANSACTIONAL_ID_NOT_FOUND: {
    reason: 'no producer with this transactional id is known',
    hint: 'List the transactions to see the ids that exist.',
  },
  INVALID_PRODUCER_EPOCH: { reason: 'the producer has a newer epoch' },
  INVALID_TXN_STATE: { reason: "the transaction's state does not allow it" },
  BROKER_ID_NOT_REGISTERED: { reason: 'no broker with this id is registered' },
  VOTER_NOT_FOUND: { reason: 'the quorum has no such voter' },
  DUPLICATE_VOTER: { reason: 'the quorum already has a voter with this id' },
  INVALID_UPDATE_VERSION: { reason: 'the level is not one that the cluster supports' },
  FEATURE_UPDATE_FAILED: { reason: 'the feature could not be updated' },
  THROTTLING_QUOTA_EXCEEDED: { reason: 'the controller mutation quota is exceeded' },
  REQUEST_TIMED_OUT: {
    reason: 'the broker did not finish in time; it may still finish',
    hint: 'Check what was done before trying again, or give a greater timeoutMs.',
  },
  UNSUPPORTED_VERSION: { reason: 'the broker is too old for this request' },
  MISMATCHED_ENDPOINT_TYPE: {
    reason:
      'a broker responded where a controller was expected, or a controller in place of a broker',
    hint: "Give brokers in 'bootstrapServers' (--bootstrap-server), controllers in 'bootstrapControllers' (--bootstrap-controller).",
  },
  UNSUPPORTED_ENDPOINT_TYPE: { reason: 'this kind of node does not exist in this cluster' },
  INVALID_REGULAR_EXPRESSION: {
    reason: 'the pattern is not a valid regular expression',
    hint: 'Brokers use RE2/J patterns.',
  },
}

export interface ItemErrorOptions {
  /** The broker's own text. */
  readonly errorMessage?: string | null | undefined
  /** An earlier attempt was sent and its response did not come. */
  readonly wasMaybeDone?: boolean
}

/**
 * The error of one item of an admin call.
 * @param what the call and the item, such as `createTopics() of topic "orders"`
 */
export function itemError(code: number, what: string, options: ItemErrorOptions = {}): BrokerError {
  const name = codeName(code)
  const known = explanations[name as ErrorCodeName]
  const text = options.errorMessage?.trim()
  const given = text === undefined || text === '' || text === name ? undefined : printable(text)
  const reason = (given ?? known?.reason ?? 'the broker refused it').replace(/[.\s]+$/, '')
  const sentences = [`${what} failed: ${reason} (${name}).`]
  if (known?.hint !== undefined) sentences.push(known.hint)
  if (options.wasMaybeDone === true) sentences.push(MAYBE_DONE)
  return new BrokerError(code, name, sentences.join(' '), { retriable: isRetriable(code) })
}

const MAYBE_DONE =
  'An earlier attempt of this call was sent and its response was lost, so this call may have done it.'

/** A failure that is not a broker's: with the call and the item in front. */
export function transportError(error: unknown, what: string): KafkaError {
  if (!(error instanceof KafkaError)) return new KafkaError(`${what} failed`, { cause: error })
  if (error instanceof UnsupportedVersionError) {
    const advice = error.message.endsWith(controllerHint)
      ? ''
      : '. The brokers are too old for this call.'
    return new UnsupportedVersionError(`${what} failed: ${error.message}${advice}`, {
      cause: error,
    })
  }
  return error
}

/** A broker's text, without control characters: it goes to terminals and logs. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
}

/** A call that these brokers cannot do at all. */
export function tooOld(call: string, what: string, since: string): UnsupportedVersionError {
  return new UnsupportedVersionError(
    `${call} failed: these brokers cannot ${what}, which Kafka can since ${since}. Upgrade the brokers.`,
  )
}
