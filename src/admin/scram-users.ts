// SCRAM users: describe and alter their credentials (KIP-554).

import { promisify } from 'node:util'
import { InvalidArgumentError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { alterUserScramCredentials as alterApi } from '../protocol/messages/alter-user-scram-credentials.ts'
import { describeUserScramCredentials as describeApi } from '../protocol/messages/describe-user-scram-credentials.ts'
import type { WaitOptions } from '../types.ts'
import { checkInt, checkItem, checkList, checkName, checkNames, wrong } from './checks.ts'
import { constantOf, type ScramMechanism, scramMechanisms } from './constants.ts'
import type { AdminEngine } from './engine.ts'
import { inOrderOf, toAny } from './routing.ts'

/** A user and the mechanisms that it can log in with. Passwords are never told. */
export interface UserScramCredentials {
  user: string
  credentials: { mechanism: ScramMechanism | 'UNKNOWN'; iterations: number }[]
}

/** Sets or replaces a user's password for one mechanism. */
export interface ScramCredentialUpsertion {
  user: string
  mechanism: ScramMechanism
  /** It is hashed here; it does not leave this process. */
  password: string
  /** From 4096 to 16384. @defaultValue 4096, as Java */
  iterations?: number
  /** @defaultValue random bytes */
  salt?: Uint8Array
}

/** Removes a user's password for one mechanism. */
export interface ScramCredentialDeletion {
  user: string
  mechanism: ScramMechanism
  delete: true
}

const digests = {
  'SCRAM-SHA-256': { name: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { name: 'sha512', bytes: 64 },
} as const

export async function describeUserScramCredentials(
  engine: AdminEngine,
  users?: Iterable<string>,
  options: WaitOptions = {},
): Promise<UserScramCredentials[]> {
  const name = 'describeUserScramCredentials()'
  const wanted = users === undefined ? null : checkNames(name, 'users', users)
  const call = engine.begin(name, options)
  call.needBrokers('describe SCRAM users')
  const ask = async (
    names: readonly string[] | null,
  ): Promise<{ errorCode: number; errorMessage: string | null; value: UserScramCredentials }[]> => {
    const body = { users: names === null ? null : names.map((name) => ({ name })) }
    const { results } = await call.one(describeApi, () => body, 'any')
    return results.map(({ user, errorCode, errorMessage, credentialInfos }) => ({
      errorCode,
      errorMessage,
      value: {
        user,
        credentials: credentialInfos.map(({ mechanism, iterations }) => ({
          mechanism: constantOf(scramMechanisms, mechanism, 'UNKNOWN'),
          iterations,
        })),
      },
    }))
  }
  if (wanted === null) return (await ask(null)).map(({ value }) => value)
  return call.each(wanted, {
    nameOf: userName,
    route: toAny,
    send: async ({ items }) =>
      inOrderOf(
        items,
        (user) => user,
        await ask(items),
        ({ value }) => value.user,
        (response) => response,
      ),
  })
}

export async function alterUserScramCredentials(
  engine: AdminEngine,
  alterations: Iterable<ScramCredentialUpsertion | ScramCredentialDeletion>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'alterUserScramCredentials()'
  const wanted = checkList(name, 'alterations', alterations)
  const seen = new Set<string>()
  for (const alteration of wanted) {
    checkAlteration(name, alteration)
    const credential = `${alteration.mechanism} of user "${alteration.user}"`
    // Controllers refuse it, and which of the two was meant cannot be told.
    if (seen.has(credential))
      throw new InvalidArgumentError(`${name}: ${credential} is given twice`)
    seen.add(credential)
  }
  const call = engine.begin(name, options)
  const byUser = new Map<string, AlterationBody>()
  for (const alteration of wanted) {
    const { user } = alteration
    let body = byUser.get(user)
    if (body === undefined) {
      body = { deletions: [], upsertions: [] }
      byUser.set(user, body)
    }
    const mechanism = scramMechanisms[alteration.mechanism]
    if ('delete' in alteration) body.deletions.push({ name: user, mechanism })
    else body.upsertions.push(await upsertionBody(alteration))
  }
  await call.each([...byUser.keys()], {
    nameOf: userName,
    send: async ({ target, items }) => {
      const bodies = items.flatMap((user) => byUser.get(user) ?? [])
      const body = {
        deletions: bodies.flatMap(({ deletions }) => deletions),
        upsertions: bodies.flatMap(({ upsertions }) => upsertions),
      }
      const { results } = await call.send(alterApi, () => body, target)
      return inOrderOf(
        items,
        (user) => user,
        results,
        ({ user }) => user,
        ({ errorCode, errorMessage }) => ({ errorCode, errorMessage, value: undefined }),
      )
    },
  })
}

interface AlterationBody {
  deletions: { name: string; mechanism: number }[]
  upsertions: {
    name: string
    mechanism: number
    iterations: number
    salt: Buffer
    saltedPassword: Buffer
  }[]
}

const userName = (user: string): string => `user "${user}"`

async function upsertionBody({
  user,
  mechanism,
  password,
  iterations = 4096,
  salt: given,
}: ScramCredentialUpsertion): Promise<AlterationBody['upsertions'][number]> {
  const salt = given === undefined ? lazyNode.crypto.randomBytes(24) : Buffer.from(given)
  const { name, bytes } = digests[mechanism]
  const saltedPassword = await promisify(lazyNode.crypto.pbkdf2)(
    Buffer.from(password),
    salt,
    iterations,
    bytes,
    name,
  )
  return { name: user, mechanism: scramMechanisms[mechanism], iterations, salt, saltedPassword }
}

/** What brokers accept. More would keep a thread of this process busy for minutes, and be refused then. */
const LEAST_ITERATIONS = 4096
const MOST_ITERATIONS = 16_384

function checkAlteration(
  call: string,
  alteration: ScramCredentialUpsertion | ScramCredentialDeletion,
): void {
  const keys = ['user', 'mechanism', 'password', 'iterations', 'salt', 'delete']
  checkItem(call, 'each of alterations', alteration, keys)
  checkName(call, 'user of each of alterations', alteration.user)
  const { mechanism } = alteration
  if (typeof mechanism !== 'string' || !Object.hasOwn(digests, mechanism)) {
    throw wrong(call, 'mechanism', 'SCRAM-SHA-256 or SCRAM-SHA-512', mechanism)
  }
  if ('delete' in alteration) {
    if (alteration.delete === true) return
    throw wrong(call, `delete of user "${alteration.user}"`, 'true', alteration.delete)
  }
  const { password, iterations = 4096 } = alteration
  if (typeof password !== 'string' || password === '') {
    // The value is a secret, so it is not shown.
    throw wrong(call, `password of user "${alteration.user}"`, 'a string that is not empty', '...')
  }
  checkInt(call, `iterations of user "${alteration.user}"`, iterations, LEAST_ITERATIONS)
  if (iterations > MOST_ITERATIONS) {
    const expected = `at most ${MOST_ITERATIONS}, as brokers allow no more`
    throw wrong(call, `iterations of user "${alteration.user}"`, expected, iterations)
  }
}
