// Every public call and constructor, with something hostile in the place of each argument and of each
// property of it: refused with a ConfigError or InvalidArgumentError, and never with anything else that
// is not of this client.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  BatchDeliveryError,
  ConfigError,
  InvalidArgumentError,
  KafkaError,
} from '../../src/errors.ts'
import { isSendable } from '../../src/topic-partition.ts'
import { type ArgumentRow, argumentTables, type Subjects } from './argument-tables.ts'
import {
  extremes,
  hostileValues,
  mayBeMeant,
  type Path,
  pathsOf,
  throwingGetter,
  valueAt,
  withHostile,
  withValue,
} from './hostile-values.ts'
import { type Opened, openSubjects } from './subjects.ts'

let opened: Opened
let subjects: Subjects

beforeAll(async () => {
  opened = await openSubjects()
  subjects = opened.subjects
})
afterAll(async () => {
  await opened.end()
})

/** What a call comes to: null where it did not fail, or has not by now. */
async function failureOf(row: ArgumentRow, args: unknown, waitMs = 10_000): Promise<unknown> {
  try {
    const running = Promise.resolve(row.call(subjects, args as never)).then(
      () => null,
      (error: unknown) => error,
    )
    return await Promise.race([
      running,
      new Promise((resolve) => setTimeout(resolve, waitMs, null)),
    ])
  } catch (error) {
    return error
  }
}

function isRefusal(error: unknown): boolean {
  if (error instanceof BatchDeliveryError) {
    return error.results.every((result) => isRefusal(result.error))
  }
  return error instanceof ConfigError || error instanceof InvalidArgumentError
}

/** What a broker is to find by the very name that was given. */
const namesOfThings: ReadonlySet<string> = new Set([
  '',
  'clientId',
  'groupId',
  'topic',
  'topics',
  'topics.name',
  'poisonRecords.deadLetterTopic',
  'deadLetterTopic',
  'leaderOf.topic',
  'coordinatorOf.group',
])

const nameOf = (path: Path): string => path.filter((part) => typeof part === 'string').join('.')

describe.each(Object.entries(argumentTables))('%s', (_, table) => {
  test.each(Object.entries(table))('%s', async (name, row) => {
    const args = row.args(subjects)
    for (const path of pathsOf(args)) {
      const accepts = row.accepts?.[nameOf(path)] ?? []
      if (accepts === 'anything') continue
      const kinds = Object.keys(hostileValues)
      if (typeof path.at(-1) === 'string') kinds.push(throwingGetter)
      for (const kind of kinds) {
        if (accepts.includes(kind) || mayBeMeant(valueAt(args, path), kind)) continue
        const error = await failureOf(row, withHostile(args, path, kind))
        const label = `${name}: ${kind} at ${path.join('.')}: ${String(error)}`
        expect.soft(isRefusal(error), label).toBe(true)
        expect.soft(error instanceof KafkaError && error.code, label).toMatch(/^ERR_KAFKA_/)
      }
    }
  })

  test.each(Object.entries(table))('%s with extreme values', async (name, row) => {
    const args = row.args(subjects)
    for (const path of pathsOf(args)) {
      const kind = typeof valueAt(args, path)
      for (const value of extremes[kind] ?? []) {
        // What is meant may take its time, which is not waited for.
        const error = await failureOf(row, withValue(args, path, value), 50)
        const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 5)) : String(value)
        const label = `${name}: ${shown} at ${path.join('.')}: ${String(error)}`
        const isOurs = error instanceof KafkaError && /^ERR_KAFKA_/.test(error.code)
        expect.soft(error === null || isOurs, label).toBe(true)
        const isSent = typeof value !== 'string' || isSendable(value)
        if (!isSent && namesOfThings.has(nameOf(path)))
          expect.soft(isRefusal(error), label).toBe(true)
      }
    }
  })
})
