// What commit() reports: every acknowledgement since the commit before it, also those that failed before it was
// called, as the caller cannot know when they were sent. No I/O.

import { addAll } from '../collections/long-lists.ts'
import type { AcknowledgementResult } from '../errors.ts'

/** Of a consumer that never calls commit(), the latest failures are kept. */
const MOST_KEPT = 1000

export class CommitOutcomes {
  /** Failures that no commit has reported. */
  private failures: AcknowledgementResult[] = []
  /** Outcomes since a commit began, of each commit that waits. */
  private readonly waiting = new Set<AcknowledgementResult[]>()

  note(result: AcknowledgementResult): void {
    for (const results of this.waiting) results.push(result)
    if (result.error !== null && this.waiting.size === 0) this.keep([result])
  }

  /** Waits for `flush`. @returns the outcomes up to its end */
  async during(flush: Promise<void>): Promise<readonly AcknowledgementResult[]> {
    const results = this.failures
    this.failures = []
    this.waiting.add(results)
    try {
      await flush
    } catch (error) {
      // A commit that times out reports nothing of these.
      this.keep(results.filter((result) => result.error !== null))
      throw error
    } finally {
      this.waiting.delete(results)
    }
    return results
  }

  private keep(failures: readonly AcknowledgementResult[]): void {
    addAll(this.failures, failures)
    if (this.failures.length > MOST_KEPT) this.failures = this.failures.slice(-MOST_KEPT)
  }
}
