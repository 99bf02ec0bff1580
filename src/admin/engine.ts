// The engine under every admin call: sends requests to the controller, coordinator, leader or broker
// that serves them, retries what may pass until the call's time is up, and keeps each item's outcome.

import { monotonicMs } from '../async/clock.ts'
import { backoff, sleep } from '../async/retry.ts'
import { checkWaitOptions } from '../async/wait.ts'
import type { Cluster, Target } from '../cluster/cluster.ts'
import {
  AdminError,
  ClosedError,
  ConnectionError,
  DecodeError,
  escapeText,
  InvalidArgumentError,
  type ItemResult,
  KafkaError,
  TimeoutError,
  UnsupportedVersionError,
} from '../errors.ts'
import type { Api } from '../protocol/api.ts'
import { codeName, type ErrorCodeName } from '../protocol/error-codes.ts'
import type { WaitOptions } from '../types.ts'
import { itemError, transportError } from './item-errors.ts'
import { OpenItem } from './open-item.ts'
import { checkOptionKinds, type OptionName } from './option-kinds.ts'

/** What a broker said of one item. */
export interface ItemResponse<Value> {
  readonly errorCode: number
  readonly errorMessage?: string | null | undefined
  readonly value: Value
}

/** Items that one request carries, and where it goes. */
export interface Batch<Item> {
  readonly target: Target
  readonly items: readonly Item[]
}

/** How a call asks about many items at once. */
export interface ItemPlan<Item, Value> {
  /** The item as errors name it, such as `topic "orders"`. */
  readonly nameOf: (item: Item) => string
  /**
   * Groups items by where they are to be sent; an item in no batch must have been rejected.
   * Default: all of them in one request to the controller.
   */
  readonly route?: (
    items: readonly Item[],
    call: AdminCall,
    reject: (item: Item, error: unknown) => void,
  ) => Promise<readonly Batch<Item>[]> | readonly Batch<Item>[]
  /** Sends one batch and gives what came back for each item, undefined for one that is missing. */
  readonly send: (
    batch: Batch<Item>,
    call: AdminCall,
  ) => Promise<readonly (ItemResponse<Value> | undefined)[]>
  /** Codes of `send`, not of `route`, that are worth another attempt, beside those of every call. */
  readonly retries?: readonly ErrorCodeName[]
}

/** Codes that say "not now" or "not here". A missing topic is retriable to the protocol, not to a caller. */
const passing: ReadonlySet<string> = new Set<ErrorCodeName>([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_CONTROLLER',
  'CONCURRENT_TRANSACTIONS',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
  'KAFKA_STORAGE_ERROR',
  'REBOOTSTRAP_REQUIRED',
])

/** After these the same broker would say the same: metadata is asked for before the next attempt. */
const moved: ReadonlySet<string> = new Set<ErrorCodeName>([
  'NOT_CONTROLLER',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
])

export class AdminEngine {
  readonly cluster: Cluster
  private readonly defaultApiTimeoutMs: number
  private isStopped = false

  constructor(cluster: Cluster, defaultApiTimeoutMs: number) {
    this.cluster = cluster
    this.defaultApiTimeoutMs = defaultApiTimeoutMs
  }

  /**
   * Begins a call: from here its time runs.
   * @param name as errors name it, such as `createTopics()`
   * @param keys names of the call's further options
   * @throws InvalidArgumentError for a wrong limit, or an option that is none of these
   */
  begin(name: string, options: WaitOptions = {}, keys: readonly OptionName[] = []): AdminCall {
    const { timeoutMs, signal } = checkWaitOptions(options, name, {
      defaultMs: this.defaultApiTimeoutMs,
      keys,
    })
    checkOptionKinds(name, options, keys)
    const title: unknown = Reflect.get(options, outerName)
    this.checkOpen(name)
    signal?.throwIfAborted()
    const call = typeof title === 'string' ? title : name
    return new AdminCall(this.cluster, call, Math.min(timeoutMs, MAX_TIMEOUT_MS), signal)
  }

  /** From here on no call is begun. */
  stop(): void {
    this.isStopped = true
  }

  checkOpen(name: string): void {
    if (this.isStopped) throw new ClosedError(`${name} failed: the admin client was closed`)
  }
}

/** Where a call that is part of another finds the name of that one: its errors carry it. */
const outerName = Symbol('outerName')

const MAX_TIMEOUT_MS = 2 ** 31 - 1

/** One call of a caller: its name, its deadline, its signal. */
export class AdminCall {
  readonly cluster: Cluster
  readonly name: string
  readonly signal: AbortSignal | undefined
  private readonly timeoutMs: number
  private readonly deadline: number
  /** A lost response of a call that only asks needs no word, and none of these waits long at the broker. */
  private readonly isRead: boolean

  constructor(cluster: Cluster, name: string, timeoutMs: number, signal: AbortSignal | undefined) {
    this.cluster = cluster
    this.name = name
    this.timeoutMs = timeoutMs
    this.signal = signal
    this.isRead = /^(describe|list|find|groupLag)/.test(name)
    this.deadline = monotonicMs() + timeoutMs
  }

  /** How long one attempt may take (ms). */
  get attemptMs(): number {
    const leftMs = Math.ceil(this.deadline - monotonicMs())
    return Math.max(1, Math.min(leftMs, this.cluster.options.requestTimeoutMs))
  }

  /** How long the broker may take (ms): less than we wait, so that its own word on it still arrives. */
  get brokerMs(): number {
    const { attemptMs } = this
    return Math.max(1, attemptMs - Math.min(1000, Math.ceil(attemptMs / 10)))
  }

  /** Options of a call that is a part of this one: what is left of its time, its signal, its name. */
  get rest(): WaitOptions {
    const timeoutMs = Math.max(1, Math.ceil(this.deadline - monotonicMs()))
    const rest = this.signal === undefined ? { timeoutMs } : { timeoutMs, signal: this.signal }
    return Object.assign(rest, { [outerName]: this.name })
  }

  get limits(): { timeoutMs: number; signal: AbortSignal | undefined } {
    return { timeoutMs: this.attemptMs, signal: this.signal }
  }

  /**
   * For what controllers seem to offer and do not respond to, or what needs a broker afterwards.
   * @throws UnsupportedVersionError where the client talks to controllers
   */
  needBrokers(what: string): void {
    if (!this.cluster.options.usesControllers) return
    throw new UnsupportedVersionError(
      `${this.name} failed: controllers do not ${what}. Leave out 'bootstrapControllers' (--bootstrap-controller), and connect to brokers.`,
    )
  }

  /** One attempt of one request. `body` is made for the version that is used. */
  async send<Q, A>(
    api: Api<Q, A>,
    body: (version: number) => Q,
    target: Target,
    maxVersion?: number,
  ): Promise<A> {
    const connection = await this.cluster.connectionTo(
      target,
      this.isRead ? 'general' : 'slow',
      this.limits,
    )
    const version = connection.version(api, maxVersion)
    const { timeoutMs, signal } = this.limits
    const limits = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
    return connection.send(api, version, body(version), limits)
  }

  /**
   * One request about one thing, tried until it succeeds, fails for good, or time is up.
   * @param what names the thing in errors; empty where the call says it all
   */
  async one<Q, A>(
    api: Api<Q, A>,
    body: (version: number) => Q,
    target: Target,
    options: { what?: string; codeOf?: (response: A) => ItemResponse<unknown> } = {},
  ): Promise<A> {
    const { what = '', codeOf = topLevelCode } = options
    return this.retry(what, async () => {
      const response = await this.send(api, body, target)
      const { errorCode, errorMessage } = codeOf(response)
      if (errorCode !== 0) {
        this.relocate(errorCode)
        throw itemError(errorCode, this.title(what), { errorMessage })
      }
      return response
    })
  }

  /** Runs an attempt of the caller's own until it succeeds, fails for good, or time is up. */
  async retry<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    let reason: unknown = null
    for (let failures = 0; ; failures++) {
      try {
        return await attempt()
      } catch (error) {
        this.signal?.throwIfAborted()
        if (!this.mayPass(error, noMore)) throw transportError(error, this.title(what))
        reason = moreTelling(reason, error)
        if (!(await this.pause(failures))) throw this.timeUp(this.title(what), reason)
      }
    }
  }

  /**
   * Asks about each item, in as few requests as possible, and gives the values in the items' order.
   * @throws AdminError with the outcome of each item, if one or more failed
   */
  async each<Item, Value>(items: readonly Item[], plan: ItemPlan<Item, Value>): Promise<Value[]> {
    const results = await this.settle(items, plan)
    return this.valuesOf(results)
  }

  /** The values, if all items have one. @throws AdminError */
  valuesOf<Value>(results: readonly ItemResult<Value>[]): Value[] {
    const values: Value[] = []
    for (const result of results) if (result.error === null) values.push(result.value)
    if (values.length < results.length) throw new AdminError(this.name, results)
    return values
  }

  /** As `each`, but gives the outcome of each item. Rejects only when the signal aborts. */
  async settle<Item, Value>(
    items: readonly Item[],
    plan: ItemPlan<Item, Value>,
  ): Promise<ItemResult<Value>[]> {
    this.refuseDoubles(items, plan)
    const open = items.map((item, index) => new OpenItem<Item, Value>(item, index))
    const results: ItemResult<Value>[] = []
    const more = new Set<string>(plan.retries ?? [])
    let left = open
    for (let failures = 0; left.length > 0; failures++) {
      await this.attempt(left, plan, more)
      left = left.filter((entry) => !entry.isDone)
      if (left.length === 0 || (await this.pause(failures))) continue
      for (const entry of left) {
        const what = this.title(plan.nameOf(entry.item))
        entry.fail(this.timeUp(what, entry.lastError, entry.wasMaybeDone))
      }
      left = []
    }
    for (const entry of open) results[entry.index] = entry.result(plan.nameOf(entry.item))
    return results
  }

  /** The call and a thing, as errors name them. */
  title(what: string): string {
    return what === '' ? this.name : `${this.name} of ${escapeText(what)}`
  }

  private refuseDoubles<Item>(items: readonly Item[], plan: ItemPlan<Item, unknown>): void {
    const seen = new Set<string>()
    for (const item of items) {
      const name = plan.nameOf(item)
      if (seen.has(name)) throw new InvalidArgumentError(`${this.name}: ${name} is given twice`)
      seen.add(name)
    }
  }

  private async attempt<Item, Value>(
    left: readonly OpenItem<Item, Value>[],
    plan: ItemPlan<Item, Value>,
    more: ReadonlySet<string>,
  ): Promise<void> {
    const entryOf = new Map(left.map((entry) => [entry.item, entry]))
    const items = left.map(({ item }) => item)
    const reject = (item: Item, error: unknown): void => {
      const entry = entryOf.get(item)
      if (entry !== undefined) this.takeError(entry, plan, noMore, error)
    }
    let batches: readonly Batch<Item>[]
    try {
      batches = (await plan.route?.(items, this, reject)) ?? [{ target: 'controller', items }]
    } catch (error) {
      this.signal?.throwIfAborted()
      for (const entry of left) this.takeError(entry, plan, noMore, error)
      return
    }
    await Promise.all(batches.map((batch) => this.sendBatch(batch, entryOf, plan, more)))
  }

  private async sendBatch<Item, Value>(
    batch: Batch<Item>,
    entryOf: ReadonlyMap<Item, OpenItem<Item, Value>>,
    plan: ItemPlan<Item, Value>,
    more: ReadonlySet<string>,
  ): Promise<void> {
    const entries = batch.items.flatMap((item) => entryOf.get(item) ?? [])
    let responses: readonly (ItemResponse<Value> | undefined)[]
    try {
      responses = await plan.send(batch, this)
    } catch (error) {
      this.signal?.throwIfAborted()
      for (const entry of entries) {
        this.takeError(entry, plan, more, error)
        if (wasSent(error) && !this.isRead) entry.wasMaybeDone = true
      }
      return
    }
    for (const [i, entry] of entries.entries()) {
      const response = responses[i]
      const what = this.title(plan.nameOf(entry.item))
      if (response === undefined) {
        this.takeOmission(entry, what)
        continue
      }
      const { errorCode, errorMessage, value } = response
      if (errorCode === 0) {
        entry.succeed(value)
        continue
      }
      const { wasMaybeDone } = entry
      const error = itemError(errorCode, what, { errorMessage, wasMaybeDone })
      if (this.mayPass(error, more)) {
        entry.lastError = error
        this.relocate(errorCode)
      } else {
        entry.fail(error)
      }
    }
  }

  /** A response without the item does not say whether it was done. */
  private takeOmission<Item, Value>(entry: OpenItem<Item, Value>, what: string): void {
    const text = `${what} failed: the broker's response leaves it out.`
    const error = new KafkaError(text, { retriable: true })
    if (!this.isRead) entry.wasMaybeDone = true
    if (++entry.omissions > MOST_OMISSIONS) entry.fail(error)
    else entry.lastError = error
  }

  private takeError<Item, Value>(
    entry: OpenItem<Item, Value>,
    plan: ItemPlan<Item, Value>,
    more: ReadonlySet<string>,
    error: unknown,
  ): void {
    const failure = transportError(error, this.title(plan.nameOf(entry.item)))
    if (this.mayPass(error, more)) entry.lastError = moreTelling(entry.lastError, failure)
    else entry.fail(failure)
  }

  private mayPass(error: unknown, more: ReadonlySet<string>): boolean {
    if (this.signal?.aborted || this.cluster.isClosed) return false
    if (!(error instanceof KafkaError) || this.cluster.isVerdict(error)) return false
    const name = Reflect.get(error, 'codeName')
    if (typeof name === 'string') return passing.has(name) || more.has(name)
    return error.retriable
  }

  /** Forgets the address that turned out to be wrong. */
  private relocate(errorCode: number): void {
    const name = codeName(errorCode)
    if (moved.has(name)) this.cluster.requestRefresh(`${this.name} was refused with ${name}`)
  }

  /** Waits before the next attempt; false if there is no time for one. */
  private async pause(failures: number): Promise<boolean> {
    const { retryBackoffMs, retryBackoffMaxMs } = this.cluster.options
    const waitMs = backoff(failures, retryBackoffMs, retryBackoffMaxMs)
    if (monotonicMs() + waitMs >= this.deadline) return false
    await sleep(waitMs, this.signal)
    return true
  }

  private timeUp(what: string, cause: unknown, wasMaybeDone = false): KafkaError {
    const text = cause instanceof Error ? `: ${cause.message}` : '.'
    return new TimeoutError(`${what} timed out after ${this.timeoutMs} ms${text}`, {
      cause,
      wasSent: wasMaybeDone || wasSent(cause),
    })
  }
}

/** The outcome of each item of a call, in order, also when some failed. */
export async function settled<Value>(values: Promise<Value[]>): Promise<ItemResult<Value>[]> {
  try {
    return (await values).map((value) => ({ item: '', value, error: null }))
  } catch (error) {
    if (error instanceof AdminError) return error.results as ItemResult<Value>[]
    throw error
  }
}

/** The last attempt often only runs out of time: what those before it met says more. */
function moreTelling(before: unknown, error: unknown): unknown {
  return before !== null && error instanceof TimeoutError ? before : error
}

/** After more responses that leave an item out it has failed. */
const MOST_OMISSIONS = 3

const noMore: ReadonlySet<string> = new Set()

function topLevelCode(response: unknown): ItemResponse<unknown> {
  const fields = Object(response) as { errorCode?: unknown; errorMessage?: unknown }
  const { errorCode, errorMessage } = fields
  return {
    errorCode: typeof errorCode === 'number' ? errorCode : 0,
    errorMessage: typeof errorMessage === 'string' ? errorMessage : null,
    value: null,
  }
}

function wasSent(error: unknown): boolean {
  if (error instanceof DecodeError) return true
  return (error instanceof ConnectionError || error instanceof TimeoutError) && error.wasSent
}
