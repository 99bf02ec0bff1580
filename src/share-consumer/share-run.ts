// shareConsumer.run(): a handler is called for each record or batch, several at once if asked for. A handler
// that succeeds has processed its item; one that fails releases it, so that the group delivers it again.

import { checkSignal, onAbort } from '../async/wait.ts'
import { stopSwitch } from '../async/watchers.ts'
import { greatest } from '../collections/long-lists.ts'
import { readNamed } from '../consumer/arguments.ts'
import type { HandlerThread, RunningHandlers } from '../consumer/run/running-handlers.ts'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import { LockWatch } from './lock-watch.ts'
import type { ShareDelivery } from './share-delivery.ts'
import { finish, type ShareItem, ShareLoop, unacknowledged } from './share-loop.ts'
import { ShareRecord } from './share-record.ts'
import type { ShareBatchOf } from './share-types.ts'

/** What a handler learns besides its record or batch. */
export interface ShareHandlerContext {
  /** Aborts when the lock of the record is lost: the group delivers it again, whatever the handler does. */
  readonly signal: AbortSignal
  /** When the lock ends, in milliseconds since 1970. Moves when the lock is renewed. */
  readonly lockExpiresAt: number
  /** How often the group has delivered the record: 1 for the first time. Of a batch, the highest count. */
  readonly deliveryCount: number
  /** The same as `deliveryCount`: a share group calls the handler once for each delivery. */
  readonly attempt: number
}

export interface ShareRunOptions<K = Buffer | null, V = Buffer | null, R = ShareRecord<K, V>> {
  /**
   * Called for each record. With implicit acknowledgement, the record is accepted when this settles, and
   * released when it fails, unless the handler has acknowledged it otherwise.
   */
  eachRecord?: (record: R, context: ShareHandlerContext) => unknown
  /** Called for each batch instead: records of one partition. */
  eachBatch?: (batch: ShareBatchOf<R>, context: ShareHandlerContext) => unknown
  /** How many handlers are at work at once. Records have no order among them. Default: 1. */
  concurrency?: number
  /** At most this many records in one batch of `eachBatch`. Default: `maxPollRecords` of the consumer. */
  maxPollRecords?: number
  /**
   * Whether the locks of what a handler works on are renewed as long as it runs (KIP-1222). Needs brokers
   * of 4.2 or later. Default: false.
   */
  renewLocks?: boolean
  /** Ends the run when the handlers have finished what they have in hand. */
  signal?: AbortSignal
}

/** The options, none missing. */
export interface ShareRunPlan {
  readonly handle: (item: ShareItem<unknown, unknown>, context: ShareHandlerContext) => unknown
  readonly isByBatch: boolean
  readonly concurrency: number
  readonly maxPollRecords: number
  readonly renewLocks: boolean
  readonly signal: AbortSignal | undefined
}

/** What of the consumer a run needs. */
export interface ShareRunContext<K, V> {
  readonly delivery: ShareDelivery<K, V>
  readonly handlers: RunningHandlers
  readonly isExplicit: boolean
  /** Begins to work, outside of any handler. */
  start(): void
  renew(records: readonly ShareRecord<unknown, unknown>[]): Promise<void>
  onFailure(error: unknown, what: string): void
}

const names: readonly string[] = [
  'eachRecord',
  'eachBatch',
  'concurrency',
  'maxPollRecords',
  'renewLocks',
  'signal',
]

/** @throws InvalidArgumentError naming the option */
export function planShareRun<K, V, R>(
  given: ShareRunOptions<K, V, R>,
  maxPollRecords: number,
): ShareRunPlan {
  const options = readNamed<ShareRunOptions<K, V, R>>('run()', given, names)
  checkSignal('run()', options.signal)
  const { eachRecord, eachBatch, renewLocks = false } = options
  for (const [name, handler] of Object.entries({ eachRecord, eachBatch })) {
    if (handler !== undefined && typeof handler !== 'function') {
      refuse(`${name} must be a function, got ${describeValue(handler)}`)
    }
  }
  if ((eachRecord === undefined) === (eachBatch === undefined)) {
    refuse('give one of eachRecord and eachBatch')
  }
  if (eachRecord !== undefined && options.maxPollRecords !== undefined) {
    refuse('maxPollRecords is for eachBatch')
  }
  if (typeof renewLocks !== 'boolean') {
    refuse(`renewLocks must be true or false, got ${describeValue(renewLocks)}`)
  }
  return {
    // What a handler takes is said by the types of the consumer's topics, and by nothing at run time.
    handle: (eachRecord ?? eachBatch) as ShareRunPlan['handle'],
    isByBatch: eachBatch !== undefined,
    concurrency: wholeNumber('concurrency', options.concurrency, 1),
    maxPollRecords: wholeNumber('maxPollRecords', options.maxPollRecords, maxPollRecords),
    renewLocks,
    signal: options.signal,
  }
}

/** Works until the signal aborts or the consumer is closed. Rejects with what is fatal. */
export async function runShareHandlers<K, V>(
  context: ShareRunContext<K, V>,
  plan: ShareRunPlan,
): Promise<void> {
  const { delivery, handlers, isExplicit } = context
  const { signal, concurrency, maxPollRecords } = plan
  if (signal?.aborted) return
  const stop = stopSwitch()
  const unwatch = signal === undefined ? undefined : onAbort(signal, () => stop.abort())
  const failures: unknown[] = []
  const take: () => ShareItem<K, V> | null = plan.isByBatch
    ? () => delivery.takeBatch(maxPollRecords)
    : () => delivery.takeRecord()
  const worker = (): Promise<void> =>
    handlers.thread(async (thread) => {
      const loop = new ShareLoop<K, V, ShareItem<K, V>>(delivery, take, isExplicit, stop.signal)
      try {
        await work(loop, context, plan, thread)
      } catch (error) {
        const isEnd = stop.signal.aborted && stop.signal.reason === error
        if (!isEnd) failures.push(error)
        stop.abort()
      } finally {
        await loop.return()
      }
    })
  try {
    // What begins with the first pull of all must not run in the context of a handler.
    context.start()
    await handlers.during(async () => {
      await Promise.all(Array.from({ length: concurrency }, worker))
    })
  } finally {
    unwatch?.()
  }
  if (failures.length > 0) throw failures[0]
}

/** One item after the other. */
async function work<K, V>(
  loop: ShareLoop<K, V, ShareItem<K, V>>,
  context: ShareRunContext<K, V>,
  { handle, renewLocks }: ShareRunPlan,
  thread: HandlerThread,
): Promise<void> {
  for (;;) {
    const { done, value: item } = await loop.next()
    if (done) return
    const watch = new LockWatch(item instanceof ShareRecord ? [item] : item.records)
    if (renewLocks) {
      watch.renewWith(
        (records) => context.renew(records),
        (error) => context.onFailure(error, 'A lock was not renewed'),
      )
    }
    let failure: { readonly error: unknown } | null = null
    try {
      await thread.begin(handle, item, contextOf(item, watch))
    } catch (error) {
      failure = { error }
    }
    thread.settled()
    watch.stop()
    // A handler that forgets an acknowledgement that the mode demands is a mistake: the run ends.
    if (failure === null) finish(item, context.isExplicit)
    else {
      for (const record of unacknowledged(item)) record.release()
      context.onFailure(failure.error, `The handler of ${nameOf(item)} failed: it is released`)
    }
    loop.forget()
  }
}

function contextOf(item: ShareItem<unknown, unknown>, watch: LockWatch): ShareHandlerContext {
  const deliveryCount =
    item instanceof ShareRecord
      ? item.deliveryCount
      : greatest(item.records.map((record) => record.deliveryCount))
  return {
    deliveryCount,
    attempt: deliveryCount,
    get signal() {
      return watch.signal
    },
    get lockExpiresAt() {
      return item.lockExpiresAt
    },
  }
}

function nameOf(item: ShareItem<unknown, unknown>): string {
  const { topic, partition } = item
  return item instanceof ShareRecord
    ? `the record at offset ${item.offset} of ${topic}-${partition}`
    : `a batch of ${item.length} records of ${topic}-${partition}`
}

function wholeNumber(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback
  if (Number.isSafeInteger(value) && value >= 1) return value
  return refuse(`${name} must be a whole number of 1 or more, got ${describeValue(value)}`)
}

function refuse(problem: string): never {
  throw new InvalidArgumentError(`run(): ${problem}`)
}
