// Options of the admin client and of its calls.

import {
  type BootstrapServers,
  type BootstrapSettings,
  checkBootstrapControllers,
} from '../options/bootstrap-servers.ts'
import {
  boolean,
  duration,
  type OptionSpec,
  type ResolvedOptions,
} from '../options/option-table.ts'
import type { WaitOptions } from '../types.ts'

/** Options of `kafka.admin()`. */
export interface AdminOptions {
  /**
   * How long a call may take in all (ms), retries included, when it is not given a `timeoutMs`
   * (Java's `default.api.timeout.ms`).
   * @defaultValue 60000
   */
  defaultApiTimeoutMs?: number
  /**
   * Controllers of the KRaft quorum to connect to in place of the brokers (KIP-919): `host:port`, several in
   * an array or separated by commas. They serve what concerns the cluster itself (quorum, features,
   * configs, ACLs, registrations), also while no broker runs. TLS and SASL are those of `new Kafka()`.
   * @defaultValue the brokers of `bootstrapServers`
   */
  bootstrapControllers?: BootstrapServers
  /**
   * Whether the metrics that the brokers ask for are pushed to them (KIP-714). Brokers that have no metrics
   * reporter for it are sent nothing.
   * @defaultValue true
   */
  enableMetricsPush?: boolean
}

/** Options of calls that change something and can check the change without making it. */
export interface ValidateOptions extends WaitOptions {
  /**
   * The brokers check the change and do not make it.
   * @defaultValue false
   */
  validateOnly?: boolean
}

export const adminOptionTable: {
  readonly defaultApiTimeoutMs: OptionSpec<number>
  readonly bootstrapControllers: OptionSpec<BootstrapSettings | null>
  readonly enableMetricsPush: OptionSpec<boolean>
} = {
  defaultApiTimeoutMs: duration(60_000, 1),
  bootstrapControllers: { default: null, check: checkBootstrapControllers },
  enableMetricsPush: boolean(true),
}

export type AdminSettings = ResolvedOptions<typeof adminOptionTable>
