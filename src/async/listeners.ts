// Calls listeners. A listener that throws has a bug: it is logged, and neither the
// others nor what was being done when they were called suffer from it.

import type { Logger } from '../logger.ts'

export function callAll<T>(
  listeners: ReadonlySet<(event: T) => void>,
  event: T,
  logger: Logger,
): void {
  // A copy: a listener may unsubscribe itself, or subscribe another.
  for (const listener of [...listeners]) {
    try {
      listener(event)
    } catch (error) {
      logger.error('a listener failed', { error })
    }
  }
}
