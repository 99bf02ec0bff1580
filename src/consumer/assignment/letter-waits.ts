// Records of a partition whose handler failed, on their way to a dead-letter or retry topic. They are done when
// that topic has acknowledged them, and the records behind them wait meanwhile.

import { monotonicMs } from '../../async/clock.ts'

export interface LetterWait {
  /** The first record, where it was read. */
  readonly offset: bigint
  /** Where it goes. */
  readonly topic: string
  /** When it was sent (monotonic ms). */
  readonly since: number
  /** Why it has not been acknowledged; null: nothing is known. */
  reason(): string | null
}

export class LetterWaits {
  private readonly waits = new Set<LetterWait>()

  /** null: there are none. */
  get oldest(): LetterWait | null {
    const [first] = this.waits
    return first ?? null
  }

  /** @param work settles when the topic has acknowledged the records, or does not take them */
  async during<T>(wait: Omit<LetterWait, 'since'>, work: Promise<T>): Promise<T> {
    const entry = { ...wait, since: monotonicMs() }
    this.waits.add(entry)
    try {
      return await work
    } finally {
      this.waits.delete(entry)
    }
  }
}
