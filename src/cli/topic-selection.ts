// Topics as Kafka's scripts name them: a regular expression, or several names separated by commas.

import { UsageError } from './failures.ts'

/** Those that the pattern matches as a whole; all without a pattern. @throws UsageError */
export function matchTopics<T extends { topic: string }>(
  topics: readonly T[],
  pattern: string | undefined,
): T[] {
  if (pattern === undefined) return [...topics]
  const matches = topicMatcher(pattern)
  return topics.filter(({ topic }) => matches(topic))
}

/** @throws UsageError for a pattern that is not a regular expression */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  const text = pattern.trim().replaceAll(',', '|').replaceAll(' ', '')
  try {
    const regex = new RegExp(`^(?:${text})$`)
    return (topic) => topic === pattern || regex.test(topic)
  } catch {
    throw new UsageError(`--topic ${pattern} is neither a topic name nor a regular expression.`)
  }
}
