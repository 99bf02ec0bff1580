// Delegation tokens: create, describe, renew, expire (KIP-48, owners KIP-373).

import { createDelegationToken as createApi } from '../protocol/messages/create-delegation-token.ts'
import { describeDelegationToken as describeApi } from '../protocol/messages/describe-delegation-token.ts'
import { expireDelegationToken as expireApi } from '../protocol/messages/expire-delegation-token.ts'
import { renewDelegationToken as renewApi } from '../protocol/messages/renew-delegation-token.ts'
import type { WaitOptions } from '../types.ts'
import { checkList, checkOptions, wrong } from './checks.ts'
import type { AdminEngine } from './engine.ts'
import { tooOld } from './item-errors.ts'

/** A delegation token. `tokenId` is the user name and `hmac` in base64 the password of SCRAM with `tokenAuth`. */
export interface DelegationToken {
  tokenId: string
  hmac: Buffer
  /** Such as `User:alice`. */
  owner: string
  requester: string
  renewers: string[]
  /** Ms since 1970, as are the two below. */
  issueTimestamp: number
  expiryTimestamp: number
  maxTimestamp: number
}

export interface CreateDelegationTokenOptions extends WaitOptions {
  /** Such as `User:alice`. @defaultValue this principal */
  owner?: string
  /** Who may renew it besides the owner, such as `['User:bob']`. */
  renewers?: Iterable<string>
  /** @defaultValue what the broker's `delegation.token.max.lifetime.ms` says */
  maxLifetimeMs?: number
}

export interface DescribeDelegationTokensOptions extends WaitOptions {
  /** @defaultValue every token that this principal may see */
  owners?: Iterable<string>
}

export interface RenewDelegationTokenOptions extends WaitOptions {
  /** @defaultValue what the broker's `delegation.token.expiry.time.ms` says */
  renewPeriodMs?: number
}

export interface ExpireDelegationTokenOptions extends WaitOptions {
  /** How long it still works (ms). @defaultValue -1: it ends at once */
  expiryPeriodMs?: number
}

const OWNER_VERSION = 3

export async function createDelegationToken(
  engine: AdminEngine,
  options: CreateDelegationTokenOptions = {},
): Promise<DelegationToken> {
  const name = 'createDelegationToken()'
  checkOptions(name, options)
  const owner = options.owner === undefined ? null : principal(name, 'owner', options.owner)
  const renewers = checkList(name, 'renewers', options.renewers ?? [])
  const body = {
    ownerPrincipalType: owner?.principalType ?? null,
    ownerPrincipalName: owner?.principalName ?? null,
    renewers: renewers.map((text) => principal(name, 'each of renewers', text)),
    maxLifetimeMs: period(name, 'maxLifetimeMs', options.maxLifetimeMs),
  }
  const call = engine.begin(name, options, ['owner', 'renewers', 'maxLifetimeMs'])
  const token = await call.one(
    createApi,
    (version) => {
      if (owner !== null && version < OWNER_VERSION) {
        throw tooOld(name, 'create a delegation token for another owner', '3.3')
      }
      return body
    },
    'controller',
  )
  return {
    tokenId: token.tokenId,
    hmac: token.hmac,
    owner: `${token.principalType}:${token.principalName}`,
    requester: `${token.tokenRequesterPrincipalType}:${token.tokenRequesterPrincipalName}`,
    renewers,
    issueTimestamp: Number(token.issueTimestampMs),
    expiryTimestamp: Number(token.expiryTimestampMs),
    maxTimestamp: Number(token.maxTimestampMs),
  }
}

export async function describeDelegationTokens(
  engine: AdminEngine,
  options: DescribeDelegationTokensOptions = {},
): Promise<DelegationToken[]> {
  const name = 'describeDelegationTokens()'
  checkOptions(name, options)
  const owners =
    options.owners === undefined
      ? null
      : checkList(name, 'owners', options.owners).map((text) =>
          principal(name, 'each of owners', text),
        )
  const call = engine.begin(name, options, ['owners'])
  call.needBrokers('describe delegation tokens')
  const { tokens } = await call.one(describeApi, () => ({ owners }), 'any')
  return tokens.map((token) => ({
    tokenId: token.tokenId,
    hmac: token.hmac,
    owner: `${token.principalType}:${token.principalName}`,
    requester: `${token.tokenRequesterPrincipalType}:${token.tokenRequesterPrincipalName}`,
    renewers: token.renewers.map(
      ({ principalType, principalName }) => `${principalType}:${principalName}`,
    ),
    issueTimestamp: Number(token.issueTimestamp),
    expiryTimestamp: Number(token.expiryTimestamp),
    maxTimestamp: Number(token.maxTimestamp),
  }))
}

export async function renewDelegationToken(
  engine: AdminEngine,
  hmac: Uint8Array,
  options: RenewDelegationTokenOptions = {},
): Promise<number> {
  const name = 'renewDelegationToken()'
  checkOptions(name, options)
  const renewPeriodMs = period(name, 'renewPeriodMs', options.renewPeriodMs)
  const body = { hmac: bytes(name, hmac), renewPeriodMs }
  const call = engine.begin(name, options, ['renewPeriodMs'])
  const { expiryTimestampMs } = await call.one(renewApi, () => body, 'controller')
  return Number(expiryTimestampMs)
}

export async function expireDelegationToken(
  engine: AdminEngine,
  hmac: Uint8Array,
  options: ExpireDelegationTokenOptions = {},
): Promise<number> {
  const name = 'expireDelegationToken()'
  checkOptions(name, options)
  const expiryTimePeriodMs = period(name, 'expiryPeriodMs', options.expiryPeriodMs)
  const body = { hmac: bytes(name, hmac), expiryTimePeriodMs }
  const call = engine.begin(name, options, ['expiryPeriodMs'])
  const { expiryTimestampMs } = await call.one(expireApi, () => body, 'controller')
  return Number(expiryTimestampMs)
}

function principal(
  call: string,
  what: string,
  text: string,
): { principalType: string; principalName: string } {
  const colon = typeof text === 'string' ? text.indexOf(':') : -1
  if (colon < 1) throw wrong(call, what, 'a principal such as "User:alice"', text)
  return { principalType: text.slice(0, colon), principalName: text.slice(colon + 1) }
}

function period(call: string, what: string, value = -1): bigint {
  if (Number.isSafeInteger(value) && value >= -1) return BigInt(value)
  throw wrong(call, what, 'whole milliseconds, or -1', value)
}

function bytes(call: string, hmac: Uint8Array): Buffer {
  if (hmac instanceof Uint8Array) return Buffer.from(hmac)
  throw wrong(
    call,
    'hmac',
    'a Buffer (the hmac of a token)',
    typeof hmac === 'string' ? '...' : hmac,
  )
}
