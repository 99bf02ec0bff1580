// DescribeUserScramCredentials and AlterUserScramCredentials (KIP-554).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '../../protocol/messages/alter-user-scram-credentials.ts'
import type {
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
  DescribeUserScramCredentialsResult,
} from '../../protocol/messages/describe-user-scram-credentials.ts'
import type { RequestContext } from '../handler.ts'
import { repeatedKeys } from '../repeated-keys.ts'
import { clusterError } from '../security/authorize.ts'
import {
  MAX_ITERATIONS,
  MIN_ITERATIONS,
  type ScramUsers,
  scramKinds,
  scramMechanismOf,
} from '../security/scram-users.ts'

export function handleDescribeUserScramCredentials(
  context: RequestContext,
  { users }: DescribeUserScramCredentialsRequest,
): DescribeUserScramCredentialsResponse {
  const refusal = clusterError(context, 'DESCRIBE')
  if (refusal !== 0)
    return { throttleTimeMs: 0, errorCode: refusal, errorMessage: null, results: [] }
  const { state } = context
  const { scramUsers } = state
  const asked = users?.map(({ name }) => name) ?? []
  const names = asked.length === 0 ? scramUsers.names : asked
  // A user who is asked for twice gets one result.
  const repeated = repeatedKeys(names)
  const results = [...new Set(names)].map((name) => describeOne(scramUsers, name, repeated))
  return { throttleTimeMs: 0, errorCode: 0, errorMessage: '', results }
}

function describeOne(
  users: ScramUsers,
  user: string,
  repeated: ReadonlySet<string>,
): DescribeUserScramCredentialsResult {
  const failed = (errorCode: number, errorMessage: string): DescribeUserScramCredentialsResult => {
    return { user, errorCode, errorMessage, credentialInfos: [] }
  }
  if (repeated.has(user)) {
    const message =
      'Cannot describe SCRAM credentials for the same user twice in a single request: '
    return failed(errorCodes.DUPLICATE_RESOURCE, message + user)
  }
  const credentials = users.of(user)
  if (credentials.size === 0) {
    const message = 'Attempt to describe a user credential that does not exist: '
    return failed(errorCodes.RESOURCE_NOT_FOUND, message + user)
  }
  const credentialInfos = [...credentials].map(([mechanism, { iterations }]) => ({
    mechanism: scramKinds[mechanism].id,
    iterations,
  }))
  return { user, errorCode: 0, errorMessage: null, credentialInfos }
}

export function handleAlterUserScramCredentials(
  context: RequestContext,
  { deletions, upsertions }: AlterUserScramCredentialsRequest,
): AlterUserScramCredentialsResponse {
  const refusal = clusterError(context, 'ALTER')
  if (refusal !== 0)
    return {
      throttleTimeMs: 0,
      results: [...deletions, ...upsertions].map(({ name }) => ({
        user: name,
        errorCode: refusal,
        errorMessage: null,
      })),
    }
  const { state } = context
  const { scramUsers } = state
  const names = new Set([...deletions, ...upsertions].map(({ name }) => name))
  const deletionsOf = groupByName(deletions)
  const upsertionsOf = groupByName(upsertions)
  const results = [...names].map((user) => {
    const removed = deletionsOf.get(user) ?? []
    const added = upsertionsOf.get(user) ?? []
    // The first alteration is judged before a second one is found, whatever mechanism that has.
    const [first] = removed
    const problem =
      (first === undefined
        ? findUpsertionProblem(user, added.slice(0, 1))
        : findDeletionProblem(scramUsers, user, [first])) ??
      (removed.length + added.length > 1 ? ALTERED_TWICE : null)
    if (problem !== null) return { user, ...problem }
    for (const { mechanism } of removed) {
      const name = scramMechanismOf(mechanism)
      if (name !== null) scramUsers.delete(user, name)
    }
    for (const { mechanism, iterations, salt, saltedPassword } of added) {
      const name = scramMechanismOf(mechanism)
      if (name !== null) scramUsers.set(user, name, { iterations, salt, saltedPassword })
    }
    return { user, errorCode: 0, errorMessage: null }
  })
  return { throttleTimeMs: 0, results }
}

function groupByName<T extends { readonly name: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.name)
    if (group === undefined) groups.set(item.name, [item])
    else group.push(item)
  }
  return groups
}

interface Problem {
  readonly errorCode: number
  readonly errorMessage: string
}

const UNKNOWN_MECHANISM: Problem = {
  errorCode: errorCodes.UNSUPPORTED_SASL_MECHANISM,
  errorMessage: 'Unknown SCRAM mechanism',
}

const ALTERED_TWICE: Problem = {
  errorCode: errorCodes.DUPLICATE_RESOURCE,
  errorMessage: 'A user credential cannot be altered twice in the same request',
}

function findDeletionProblem(
  users: ScramUsers,
  user: string,
  deletions: readonly { mechanism: number }[],
): Problem | null {
  for (const { mechanism } of deletions) {
    const name = scramMechanismOf(mechanism)
    if (name === null) return UNKNOWN_MECHANISM
    if (users.of(user).has(name)) continue
    const errorMessage = 'Attempt to delete a user credential that does not exist'
    return { errorCode: errorCodes.RESOURCE_NOT_FOUND, errorMessage }
  }
  return null
}

function findUpsertionProblem(
  user: string,
  upsertions: readonly { mechanism: number; iterations: number }[],
): Problem | null {
  const unacceptable = (errorMessage: string): Problem => {
    return { errorCode: errorCodes.UNACCEPTABLE_CREDENTIAL, errorMessage }
  }
  for (const { mechanism, iterations } of upsertions) {
    if (user === '') return unacceptable('Username must not be empty')
    if (scramMechanismOf(mechanism) === null) return UNKNOWN_MECHANISM
    if (iterations < MIN_ITERATIONS) return unacceptable('Too few iterations')
    if (iterations > MAX_ITERATIONS) return unacceptable('Too many iterations')
  }
  return null
}
