// SCRAM users and client quotas, which `configs`, `users` and `quotas` show and change.

import { entityName, type QuotaEntity } from '../admin/quotas.ts'
import { keyValues } from './command.ts'
import { UsageError } from './failures.ts'
import type { Session } from './session.ts'

const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
type Mechanism = (typeof mechanisms)[number]

/** Prints the quotas of what matches: a name, null for the default, undefined for any. */
export async function printQuotas(
  session: Session,
  components: Partial<Record<string, string | null | undefined>>,
): Promise<void> {
  const filter = Object.fromEntries(
    Object.entries(components).map(([type, name]) => [
      type,
      name === null ? { default: true as const } : (name ?? { any: true as const }),
    ]),
  )
  const found = await session.admin.describeClientQuotas({ components: filter }, session.limits)
  if (found.length === 0) return
  session.out.rows(
    found,
    [
      { title: 'Entity', of: ({ entity }) => entityName(entity) },
      {
        title: 'Quotas',
        of: ({ quotas }) =>
          Object.entries(quotas)
            .map(([key, value]) => `${key}=${value}`)
            .join(', '),
      },
    ],
    (quota) => quota,
  )
}

/** The quotas to set, and null for those to remove. @throws UsageError for what is not a number */
export function quotaValues(
  add: ReadonlyMap<string, string>,
  remove: ReadonlySet<string>,
): Record<string, number | null> {
  const quotas: Record<string, number | null> = {}
  for (const [key, text] of add) {
    const value = Number(text)
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw new UsageError(`${key}=${text}: expected a number.`)
    }
    quotas[key] = value
  }
  for (const key of remove) {
    if (add.has(key)) throw new UsageError(`${key} is both set and removed.`)
    quotas[key] = null
  }
  return quotas
}

export async function alterQuotas(
  session: Session,
  entity: QuotaEntity,
  add: ReadonlyMap<string, string>,
  remove: ReadonlySet<string>,
  validateOnly: boolean,
): Promise<void> {
  const quotas = quotaValues(add, remove)
  const { out, admin, limits } = session
  await admin.alterClientQuotas([{ entity, quotas }], { ...limits, validateOnly })
  out.line(
    validateOnly
      ? `The quotas of ${entityName(entity)} could be changed.`
      : `Completed updating the quotas of ${entityName(entity)}.`,
  )
  out.object({ entity, quotas })
}

/** Prints SCRAM users; without names, all. */
export async function printScramUsers(
  session: Session,
  names: readonly string[] | undefined,
): Promise<void> {
  const all = await session.admin.describeUserScramCredentials(undefined, session.limits)
  const wanted = new Set(names)
  const found = names === undefined ? all : all.filter(({ user }) => wanted.has(user))
  if (found.length === 0) return
  session.out.rows(
    found.sort((a, b) => (a.user < b.user ? -1 : 1)),
    [
      { title: 'User', of: ({ user }) => user },
      {
        title: 'Credentials',
        of: ({ credentials }) =>
          credentials
            .map(({ mechanism, iterations }) => `${mechanism}=iterations=${iterations}`)
            .join(', '),
      },
    ],
    (user) => user,
  )
}

/** Sets and removes a user's SCRAM credentials, given as kafka-configs takes them. */
export async function alterScramUser(
  session: Session,
  user: string,
  add: ReadonlyMap<string, string>,
  remove: ReadonlySet<string>,
): Promise<void> {
  const upsertions = [...add]
    .filter(([key]) => key.startsWith('SCRAM-'))
    .map(([key, text]) => {
      const settings = keyValues(text, key)
      const password = settings.get('password')
      if (password === undefined || password === '') {
        throw new UsageError(`${key} needs a password: ${key}=[iterations=8192,password=...]`)
      }
      const iterations = Number(settings.get('iterations') ?? 4096)
      return { user, mechanism: mechanismOf(key), password, iterations }
    })
  const deletions = [...remove]
    .filter((key) => key.startsWith('SCRAM-'))
    .map((key) => ({ user, mechanism: mechanismOf(key), delete: true as const }))
  const { out, admin, limits } = session
  // Controllers take one credential of a user in a request.
  for (const alteration of [...upsertions, ...deletions]) {
    await admin.alterUserScramCredentials([alteration], limits)
  }
  out.line(`Completed updating the SCRAM credentials of user ${user}.`)
  const names = [...upsertions, ...deletions].map(({ mechanism }) => mechanism)
  out.object({ user, mechanisms: names })
}

function mechanismOf(key: string): Mechanism {
  const found = mechanisms.find((name) => name === key)
  if (found !== undefined) return found
  throw new UsageError(`${key} is not a SCRAM mechanism: expected ${mechanisms.join(' or ')}.`)
}
