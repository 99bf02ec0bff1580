// The JSON files that Kafka's scripts take: lists of partitions with something about each.

import { UsageError } from './failures.ts'
import { readInputFile } from './input-files.ts'

/** An entry of such a file. */
export interface PartitionEntry {
  topic: string
  partition: number
  offset: number
  replicas: number[]
  log_dirs?: string[]
}

type Field = 'partition' | 'offset' | 'replicas'

/** What an entry must have, beside its topic. */
const fieldChecks: Record<Field, { what: string; isValid: (value: unknown) => boolean }> = {
  partition: { what: 'a "partition"', isValid: (value) => isInteger(value, 0) },
  offset: { what: 'an "offset"', isValid: (value) => isInteger(value, -1) },
  replicas: {
    what: 'a list of "replicas"',
    isValid: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((id) => isInteger(id, 0)),
  },
}

/**
 * The entries of a file: an object with a list of this name, whose entries have a topic and these fields.
 * @throws UsageError saying what is wrong with it
 */
export function readEntries(
  path: string,
  list: 'partitions' | 'topics',
  fields: readonly Field[],
): PartitionEntry[] {
  let value: unknown
  const text = readInputFile(path)
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`${path} is not JSON: ${cause instanceof Error ? cause.message : ''}`)
  }
  const entries: unknown = Reflect.get(Object(value), list)
  const isList =
    Array.isArray(entries) &&
    entries.every((entry) => typeof Reflect.get(Object(entry), 'topic') === 'string')
  if (!isList) {
    throw new UsageError(
      `${path}: expected an object with a list "${list}", whose entries have a "topic".`,
    )
  }
  for (const entry of entries) {
    const wrong = fields.find((name) => !fieldChecks[name].isValid(Reflect.get(entry, name)))
    if (wrong === undefined) continue
    throw new UsageError(`${path}: topic "${entry.topic}" needs ${fieldChecks[wrong].what}.`)
  }
  return entries
}

function isInteger(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && Number(value) >= least
}
