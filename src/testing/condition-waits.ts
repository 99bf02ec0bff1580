// Waits for conditions of a test: looked at after each handled request and every few ms between, with
// a deadline that fails by itself.

import { types } from 'node:util'
import { ClosedError, InvalidArgumentError, TimeoutError } from '../errors.ts'

interface Wait {
  readonly condition: () => unknown
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  readonly deadline: number
  readonly timeoutMs: number
}

const POLL_MS = 5

export class ConditionWaits {
  private waits: Wait[] = []
  private timer: NodeJS.Timeout | null = null
  private isClosed = false

  /** @throws TimeoutError with the condition's text when it does not come true in time; ClosedError */
  waitFor(condition: () => unknown, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + timeoutMs
      this.waits.push({ condition, resolve, reject, deadline, timeoutMs })
      this.timer ??= setInterval(() => this.poll(), POLL_MS)
      this.poll()
      if (this.isClosed) this.close()
    })
  }

  poll(): void {
    if (this.waits.length === 0) return
    const now = performance.now()
    this.waits = this.waits.filter((wait) => !isOver(wait, now))
    if (this.waits.length === 0) this.stop()
  }

  /** Those that wait have failed, and so does each that is not true at once. */
  close(): void {
    this.isClosed = true
    this.stop()
    const waits = this.waits
    this.waits = []
    for (const { condition, reject } of waits) {
      reject(new ClosedError(`waitFor() failed: the test cluster was closed before ${condition}`))
    }
  }

  private stop(): void {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
  }
}

function isOver({ condition, resolve, reject, deadline, timeoutMs }: Wait, now: number): boolean {
  try {
    const value = condition()
    // A promise is true before anything is known.
    if (types.isPromise(value)) {
      value.catch(() => {})
      throw new InvalidArgumentError('waitFor(): the condition must not return a promise')
    }
    if (value) {
      resolve()
      return true
    }
  } catch (error) {
    reject(error)
    return true
  }
  if (now < deadline) return false
  reject(new TimeoutError(`not true within ${timeoutMs} ms: ${condition}`))
  return true
}
