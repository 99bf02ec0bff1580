// The JSON files that Kafka's scripts take: lists of partitions with something about each.

import { UsageError } from './failures.ts'

/** An entry of such a file. */
export interface PartitionEntry {
  topic: string
  partition: number
  offset: number
  replicas: number[]
  log_dirs?: string[]
}

/**
 * The object of a file, whose `list` has entries with a topic.
 * @throws UsageError saying what is wrong with it
 */
export function parseJsonFile<List extends string>(
  text: string,
  path: string,
  list: List,
): Record<List, PartitionEntry[]> {
  let value: unknown
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
  return { [list]: entries } as Record<List, PartitionEntry[]>
}
