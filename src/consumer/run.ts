// consumer.run(): a handler is called for each record or batch, several at once if asked for. Each worker
// is a loop of its own and has a partition to itself while it works on it: so records of one partition
// stay in order, and what is committed of it has no gaps, whatever the concurrency.

import type { ConsumerRecord } from '../records/consumer-record.ts'
import type { ConsumerBatch } from './consumer-batch.ts'
import type { DeliveryStream } from './delivery-stream.ts'
import { stopSwitch } from './waiting.ts'

/** What a handler learns besides its record or batch. */
export interface HandlerContext {
  /** Aborts when the partition is no longer this consumer's: what is left of the work is in vain. */
  readonly signal: AbortSignal
}

export interface RunOptions<K, V> {
  /** Called for each record; it is done when this settles. What it throws ends the run. */
  eachRecord?: (record: ConsumerRecord<K, V>, context: HandlerContext) => unknown
  /** Called for each batch instead. */
  eachBatch?: (batch: ConsumerBatch<K, V>, context: HandlerContext) => unknown
  /** How many partitions are worked on at once. Default: 1. */
  concurrency?: number
  /** Ends the run when the handlers have finished what they have in hand. */
  signal?: AbortSignal
}

/** Works until the signal aborts or the consumer is closed. Rejects with what a handler threw, or what is fatal. */
export async function runWorkers<K, V, T>(
  open: (signal: AbortSignal) => DeliveryStream<K, V, T>,
  handle: (item: T, context: HandlerContext) => unknown,
  concurrency: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = stopSwitch()
  const onAbort = (): void => stop.abort()
  if (signal?.aborted) return
  signal?.addEventListener('abort', onAbort, { once: true })
  let failure: { error: unknown } | null = null
  const work = async (): Promise<void> => {
    const stream = open(stop.signal)
    try {
      await callHandlers(stream, handle)
    } catch (error) {
      if (!stop.signal.aborted || error !== stop.signal.reason) failure ??= { error }
      stop.abort()
    } finally {
      await stream.return()
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, work))
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
  if (failure !== null) throw (failure as { error: unknown }).error
}

/** Every handler is called, and awaited, directly by this function: isInsideHandler() looks for it. */
async function callHandlers<K, V, T>(
  stream: DeliveryStream<K, V, T>,
  handle: (item: T, context: HandlerContext) => unknown,
): Promise<void> {
  for (;;) {
    const { done, value } = await stream.next()
    if (done) return
    const result = handle(value, { signal: stream.lossSignal })
    if (result instanceof Object && 'then' in result) await result
  }
}

/**
 * Whether the function that asks was called by a handler of `run`. close() must not wait for a handler
 * that itself waits for close(). Read off the stack, which V8 keeps across awaits: asynchronous context
 * (AsyncLocalStorage) would cost every await of the process more than a record does. A handler that hides
 * its call in `.then()` is not found; then close() waits for it until its time is up.
 */
export function isInsideHandler(): boolean {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 100
  const { stack = '' } = new Error('where')
  Error.stackTraceLimit = stackTraceLimit
  return stack.includes(` ${callHandlers.name} `)
}
