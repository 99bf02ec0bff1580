// Topics as Kafka's scripts name them: a regular expression, or several names separated by commas.

import { UsageError } from './failures.ts'

/**
 * Says of a topic whether the pattern matches it as a whole; without a pattern it matches all.
 * @throws UsageError for a pattern that is not a regular expression
 */
export function topicMatcher(pattern: string | undefined): (topic: string) => boolean {
  if (pattern === undefined) return () => true
  const text = pattern.trim().replaceAll(',', '|').replaceAll(' ', '')
  try {
    const regex = new RegExp(`^(?:${text})$`)
    return (topic) => topic === pattern || regex.test(topic)
  } catch {
    throw new UsageError(`--topic ${pattern} is neither a topic name nor a regular expression.`)
  }
}
