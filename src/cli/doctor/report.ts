// What the doctor found, check by check.

import { monotonicMs } from '../../async/clock.ts'
import { waitFor } from '../../async/wait.ts'
import type { Output } from '../output.ts'

export type CheckStatus = 'ok' | 'finding' | 'skipped'

/** The outcome of one check. */
export interface CheckResult {
  check: string
  /** What was checked, such as an address. */
  target: string
  status: CheckStatus
  /** What was seen. */
  message: string
  /** What to do about a finding. */
  hint: string | null
  /** How long it took (ms). */
  ms: number
}

/** Thrown by a check: what is wrong, and what to do. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly hint: string | null

  constructor(message: string, hint: string | null = null) {
    super(message)
    this.hint = hint
  }
}

/** Thrown by a check that cannot be made, with the reason. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

export class Report {
  readonly results: CheckResult[] = []
  readonly signal: AbortSignal
  private readonly out: Output

  /** @param signal ends the check that is made, and all others */
  constructor(out: Output, signal: AbortSignal) {
    this.out = out
    this.signal = signal
  }

  get findings(): number {
    return this.results.filter(({ status }) => status === 'finding').length
  }

  /** What the last check saw. */
  get lastMessage(): string {
    return this.results.at(-1)?.message ?? ''
  }

  /**
   * Makes a check and prints its outcome at once.
   * @param make gives what was seen; throws Finding or Skipped, or any error, which is a finding
   * @returns whether it is fine
   * @throws the signal's reason when it aborts
   */
  async check(check: string, target: string, make: () => Promise<string>): Promise<boolean> {
    const startedAt = monotonicMs()
    let status: CheckStatus = 'ok'
    let message: string
    let hint: string | null = null
    try {
      message = await waitFor(make(), { signal: this.signal }, check)
    } catch (error) {
      if (this.signal.aborted) throw this.signal.reason
      status = error instanceof Skipped ? 'skipped' : 'finding'
      message = error instanceof Error ? error.message : String(error)
      if (error instanceof Finding) hint = error.hint
    }
    const result = { check, target, status, message, hint, ms: monotonicMs() - startedAt }
    this.results.push(result)
    this.print(result)
    return status === 'ok'
  }

  private print(result: CheckResult): void {
    const { out } = this
    out.object(result)
    const { check, target, status, message, hint, ms } = result
    const marks = { ok: out.green('ok     '), finding: out.red('FINDING'), skipped: 'skipped' }
    const where = target === '' ? check : `${check} ${target}`
    out.line(`${marks[status]}  ${where}: ${message}${status === 'ok' ? ` (${ms} ms)` : ''}`)
    if (hint !== null) out.line(`         ${hint}`)
  }
}
