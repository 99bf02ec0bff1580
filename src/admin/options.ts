// Options of the admin client and of its calls.

import { duration, type OptionSpec, type ResolvedOptions } from '../options/option-table.ts'
import type { WaitOptions } from '../types.ts'

/** Options of `kafka.admin()`. */
export interface AdminOptions {
  /**
   * How long a call may take in all (ms), retries included, when it is not given a `timeoutMs`
   * (Java's `default.api.timeout.ms`).
   * @defaultValue 60000
   */
  defaultApiTimeoutMs?: number
}

/** Options of calls that change something and can check the change without making it. */
export interface ValidateOptions extends WaitOptions {
  /**
   * The brokers check the change and do not make it.
   * @defaultValue false
   */
  validateOnly?: boolean
}

export const adminOptionTable: { readonly defaultApiTimeoutMs: OptionSpec<number> } = {
  defaultApiTimeoutMs: duration(60_000, 1),
}

export type AdminSettings = ResolvedOptions<typeof adminOptionTable>
