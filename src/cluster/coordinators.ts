// Which broker coordinates a group or a transactional id. Must stay true: one lookup per key however
// many wait for it, and no lookup at full speed when two brokers point at each other.

import { backoff, sleep } from '../async/retry.ts'
import { Waiters } from '../async/waiters.ts'
import {
  AuthenticationError,
  type ClosedError,
  escapeText,
  KafkaError,
  TimeoutError,
} from '../errors.ts'
import { brokerError, errorCodes } from '../protocol/error-codes.ts'
import type { Coordinator } from '../protocol/messages/find-coordinator.ts'
import { type ClusterProblem, FailureStreak } from './problems.ts'

export type CoordinatorType = 'group' | 'transaction'

export interface CoordinatorsOptions {
  retryBackoffMs: number
  retryBackoffMaxMs: number
  /** One FindCoordinator to any broker. */
  ask: (type: CoordinatorType, key: string, signal: AbortSignal) => Promise<Coordinator>
  /** Makes the broker known although metadata may not have it yet. */
  addBroker: (broker: { nodeId: number; host: string; port: number }) => void
  /** As brokers name this client; null: not known. */
  principal: () => string | null
}

interface Entry {
  type: CoordinatorType
  key: string
  /** -1: not known. */
  nodeId: number
  /** The broker that said last that it is not the coordinator, and how often in a row it was named. */
  deniedBy: number
  denials: number
  waiters: Waiters<number>
  lookup: AbortController | null
  lastError: Error | null
  readonly failures: FailureStreak
}

/** Keys that no caller waits for are forgotten beyond this many. */
const MAX_ENTRIES = 1000

export class Coordinators {
  private readonly options: CoordinatorsOptions
  private readonly entries = new Map<string, Entry>()
  private closedBy: ClosedError | null = null

  constructor(options: CoordinatorsOptions) {
    this.options = options
  }

  /** @throws BrokerError for what asking again does not cure, TimeoutError, the signal's reason */
  find(
    type: CoordinatorType,
    key: string,
    options: { timeoutMs: number; signal?: AbortSignal | undefined },
  ): Promise<number> {
    if (this.closedBy !== null) return Promise.reject(this.closedBy)
    const entry = this.entry(type, key)
    if (entry.nodeId >= 0) return Promise.resolve(entry.nodeId)
    const { timeoutMs, signal } = options
    const wait = entry.waiters.wait({
      timeoutMs,
      signal,
      onTimeout: () =>
        new TimeoutError(
          `No coordinator of ${type} '${key}' within ${timeoutMs} ms${entry.lastError === null ? '' : `: ${entry.lastError.message}`}`,
          { cause: entry.lastError ?? undefined },
        ),
    })
    if (entry.lookup === null) void this.lookUp(entry)
    return wait
  }

  /** That broker said it is not the coordinator, or cannot be reached. */
  forget(type: CoordinatorType, key: string, nodeId: number): void {
    const entry = this.entries.get(nameOf(type, key))
    if (entry === undefined || entry.nodeId !== nodeId) return
    entry.nodeId = -1
    entry.deniedBy = nodeId
  }

  /** The connection to that broker was lost: what it coordinated may be elsewhere now. */
  forgetNode(nodeId: number): void {
    for (const entry of this.entries.values()) if (entry.nodeId === nodeId) entry.nodeId = -1
  }

  /** Which coordinators have not been found, and why. */
  problems(): ClusterProblem[] {
    return [...this.entries.values()]
      .map(({ failures, lookup }) => failures.problem(null, lookup !== null))
      .filter((problem) => problem !== null)
  }

  close(reason: ClosedError): void {
    this.closedBy = reason
    for (const entry of this.entries.values()) {
      entry.waiters.rejectAll(reason)
      entry.lookup?.abort(reason)
    }
  }

  private entry(type: CoordinatorType, key: string): Entry {
    const name = nameOf(type, key)
    const present = this.entries.get(name)
    if (present !== undefined) return present
    this.makeRoom()
    const entry: Entry = {
      type,
      key,
      nodeId: -1,
      deniedBy: -1,
      denials: 0,
      waiters: new Waiters(),
      lookup: null,
      lastError: null,
      failures: new FailureStreak(),
    }
    this.entries.set(name, entry)
    return entry
  }

  private makeRoom(): void {
    if (this.entries.size < MAX_ENTRIES) return
    for (const [name, entry] of this.entries) {
      if (entry.lookup !== null) continue
      this.entries.delete(name)
      return
    }
  }

  /** Asks until there is a response, or no caller waits any more. */
  private async lookUp(entry: Entry): Promise<void> {
    const lookup = new AbortController()
    entry.lookup = lookup
    try {
      for (let attempt = 0; entry.waiters.size > 0 && !lookup.signal.aborted; attempt++) {
        if (attempt > 0) await this.pause(attempt - 1, lookup.signal)
        if (await this.tryOnce(entry, lookup.signal)) return
      }
      entry.lookup = null
    } catch (error) {
      entry.lookup = null
      entry.waiters.rejectAll(error)
    }
  }

  private async tryOnce(entry: Entry, signal: AbortSignal): Promise<boolean> {
    const { type, key } = entry
    const { ask, addBroker } = this.options
    let found: Coordinator
    try {
      found = await ask(type, key, signal)
    } catch (error) {
      // Whether to wait for other credentials is for the callers to decide.
      const isRefused = error instanceof AuthenticationError
      if (!(error instanceof KafkaError) || !error.retriable || isRefused) throw error
      this.failed(entry, error)
      return false
    }
    if (found.errorCode !== 0) {
      const text = found.errorMessage ? ` (${escapeText(found.errorMessage)})` : ''
      const what = `FindCoordinator of ${type} '${key}'${text}`
      const error = brokerError(found.errorCode, what, this.options.principal())
      if (!isTransient(found.errorCode)) throw error
      this.failed(entry, error)
      return false
    }
    if (found.nodeId < 0 || found.host === '') {
      const text = `FindCoordinator of ${type} '${key}' failed: the response names no broker`
      this.failed(entry, new KafkaError(text, { retriable: true }))
      return false
    }
    if (found.nodeId === entry.deniedBy) {
      // It just said that it is not: believed after a pause, which grows each time it is named again.
      await this.pause(entry.denials++, signal)
      entry.deniedBy = -1
      return false
    }
    if (entry.denials > 0 && found.nodeId !== entry.nodeId) entry.denials--
    addBroker(found)
    entry.nodeId = found.nodeId
    entry.lastError = null
    entry.failures.succeeded()
    // Before the waiters know: one of them may forget this response, and ask again, at once.
    entry.lookup = null
    entry.waiters.resolveAll(found.nodeId)
    return true
  }

  private failed(entry: Entry, error: Error): void {
    entry.lastError = error
    entry.failures.failed(error)
  }

  private pause(attempt: number, signal: AbortSignal): Promise<void> {
    const { retryBackoffMs, retryBackoffMaxMs } = this.options
    return sleep(backoff(attempt, retryBackoffMs, retryBackoffMaxMs), signal)
  }
}

function nameOf(type: CoordinatorType, key: string): string {
  return `${type}:${key}`
}

/**
 * Whether asking again may help. A code that says nothing about the key or the user, or that is not known,
 * may pass.
 */
function isTransient(errorCode: number): boolean {
  return !finalCodes.has(errorCode)
}

const finalCodes: ReadonlySet<number> = new Set([
  errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorCodes.GROUP_AUTHORIZATION_FAILED,
  errorCodes.INVALID_GROUP_ID,
  errorCodes.INVALID_REQUEST,
  errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  errorCodes.UNSUPPORTED_VERSION,
])
