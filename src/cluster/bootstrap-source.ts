// Where the bootstrap addresses come from: the list that was given, DNS (SRV records, canonical names), or
// the user's function. Must stay true: one lookup at a time, and after a failure it waits as a broker does.

import { monotonicMs } from '../async/clock.ts'
import { thrownError } from '../async/rejections.ts'
import { backoff } from '../async/retry.ts'
import { waitFor } from '../async/wait.ts'
import { ConfigError, ConnectionError, toKafkaError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { resolveHost } from '../network/route.ts'
import {
  type BootstrapSettings,
  type Endpoint,
  formatEndpoint,
  parseProvided,
} from '../options/bootstrap-servers.ts'
import type { ClusterOptions } from '../options/kafka-options.ts'
import { type ClusterProblem, FailureStreak } from './problems.ts'

export interface BootstrapSourceEvents {
  /** The addresses are known. */
  onAddresses(endpoints: readonly Endpoint[]): void
  /** They could not be had this time. */
  onFailure(error: Error): void
}

export class BootstrapSource {
  private readonly options: ClusterOptions
  private readonly events: BootstrapSourceEvents
  private readonly abort = new AbortController()
  private readonly streak = new FailureStreak()
  private isStale = true
  private isAsking = false
  private failures = 0
  private nextAttemptAt = 0
  /** Why the last lookup failed; null if it did not. */
  lastError: Error | null = null

  constructor(options: ClusterOptions, events: BootstrapSourceEvents) {
    this.options = options
    this.events = events
  }

  /** The addresses that need no lookup; null if there has to be one. */
  get fixed(): readonly Endpoint[] | null {
    const { bootstrapServers, clientDnsLookup } = this.options
    const { endpoints, srvNames, provider } = bootstrapServers
    const isFixed = provider === null && srvNames.length === 0
    return isFixed && clientDnsLookup === 'use_all_dns_ips' ? endpoints : null
  }

  /** Whether a lookup is due, or is being made. */
  get isPending(): boolean {
    return this.isAsking || (this.isStale && this.fixed === null)
  }

  /** When the next lookup may be made, by `monotonicMs()`. */
  get attemptAllowedAt(): number {
    return this.nextAttemptAt
  }

  /** Why no addresses can be had; null if they can. */
  get problem(): ClusterProblem | null {
    return this.streak.problem(null, this.isPending)
  }

  /** What was found is of no use any more: the next `ask` looks again. */
  invalidate(): void {
    this.isStale = true
  }

  /** Begins a lookup if one is due; an event will tell. */
  ask(): void {
    if (!this.isPending || this.isAsking || this.abort.signal.aborted) return
    if (this.nextAttemptAt > monotonicMs()) return
    this.isAsking = true
    void this.find()
  }

  close(reason: Error): void {
    this.abort.abort(reason)
  }

  private async find(): Promise<void> {
    const { socketConnectionSetupTimeoutMs: timeoutMs, logger } = this.options
    const { signal } = this.abort
    try {
      const endpoints = await waitFor(this.endpoints(), { timeoutMs, signal }, 'the lookup')
      this.isAsking = false
      this.isStale = false
      this.failures = 0
      // What was found may be dead, and found again.
      this.nextAttemptAt = monotonicMs() + this.options.reconnectBackoffMaxMs
      this.lastError = null
      this.streak.succeeded()
      logger.debug(`bootstrap servers: ${endpoints.map(formatEndpoint).join(', ')}`)
      this.events.onAddresses(endpoints)
    } catch (thrown) {
      const cause = thrownError(thrown)
      this.isAsking = false
      if (signal.aborted) return
      const option = this.options.usesControllers ? 'bootstrapControllers' : 'bootstrapServers'
      const error = failureOf(cause, option)
      const { reconnectBackoffMs, reconnectBackoffMaxMs } = this.options
      const waitMs = backoff(this.failures++, reconnectBackoffMs, reconnectBackoffMaxMs)
      this.nextAttemptAt = monotonicMs() + waitMs
      this.lastError = error
      this.streak.failed(error)
      logger.warn(error.message, { failures: this.failures, nextAttemptInMs: waitMs })
      this.events.onFailure(error)
    }
  }

  private async endpoints(): Promise<readonly Endpoint[]> {
    const { bootstrapServers, clientDnsLookup } = this.options
    const { provider } = bootstrapServers
    const given: Omit<BootstrapSettings, 'provider'> =
      provider === null ? bootstrapServers : parseProvided(await provider())
    const found = [...given.endpoints, ...(await srvEndpoints(given.srvNames))]
    if (clientDnsLookup === 'use_all_dns_ips') return unique(found)
    return unique(await this.canonical(found))
  }

  /** Each address by its canonical name. One that cannot be resolved is kept out, unless all cannot. */
  private async canonical(endpoints: readonly Endpoint[]): Promise<Endpoint[]> {
    const outcomes = await Promise.allSettled(
      endpoints.map(async ({ host, port }) => {
        const addresses = await resolveHost(host, this.options.lookup)
        return Promise.all(addresses.map(async (ip) => ({ host: await nameOf(ip, port), port })))
      }),
    )
    const found = outcomes.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const failed = outcomes.find((one) => one.status === 'rejected')
    if (found.length === 0 && failed !== undefined) throw failed.reason
    return found
  }
}

/** The name that DNS has for an address; the address itself if it has none, as in Java. */
async function nameOf(address: string, port: number): Promise<string> {
  try {
    const { hostname } = await lazyNode.dns.promises.lookupService(address, port)
    return lazyNode.net.isIP(hostname) === 0 ? hostname : address
  } catch {
    return address
  }
}

/** By priority, then by weight: the order in which they are to be tried (RFC 2782). */
async function srvEndpoints(names: readonly string[]): Promise<Endpoint[]> {
  const records = await Promise.all(names.map((name) => lazyNode.dns.promises.resolveSrv(name)))
  return records
    .flat()
    .toSorted((a, b) => a.priority - b.priority || b.weight - a.weight)
    .filter(({ name }) => name !== '' && name !== '.')
    .map(({ name, port }) => ({ host: name, port }))
}

function unique(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const byAddress = new Map(endpoints.map((one) => [formatEndpoint(one), one]))
  if (byAddress.size === 0) throw new ConnectionError('no address was found')
  return [...byAddress.values()]
}

/** A name may come into being, and a function may succeed the next time; a wrong result stays wrong. */
function failureOf(cause: unknown, option: string): Error {
  const { message } = toKafkaError(cause)
  if (cause instanceof ConfigError) return cause
  return new ConnectionError(`The addresses of '${option}' could not be had: ${message}`, {
    cause,
  })
}
