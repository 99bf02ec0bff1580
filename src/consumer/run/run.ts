// consumer.run(): a handler is called for each record or batch, several at once if asked for. Each
// worker is a separate loop and has a partition to itself while it works on it: so records of one
// partition stay in order, and what is committed of it has no gaps, whatever the concurrency. By
// key, a worker shares out the records of its partition once more (key-worker.ts).

import { joinSignals } from '../../async/any-signal.ts'
import { onAbort } from '../../async/wait.ts'
import { stopSwitch } from '../../async/watchers.ts'
import type { Logger } from '../../logger.ts'
import type { CommitBatch } from '../delivery/consumer-batch.ts'
import type { DeadLetters } from '../delivery/dead-letters.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { DueGate } from '../delivery/due-gate.ts'
import { batchStream, portionStream, recordStream } from '../delivery/iterators.ts'
import type { RecordIterator } from '../delivery/record-iterator.ts'
import { contextOf, type HandlerContext } from './handler-context.ts'
import { Slots, workByKey } from './key-worker.ts'
import { type Item, preserve, RetryPolicy } from './retry-policy.ts'
import type { RetryTopics } from './retry-topics.ts'
import type { RunPlan } from './run-options.ts'
import type { HandlerThread, RunningHandlers } from './running-handlers.ts'
import { tracedHandler } from './trace-handler.ts'

/** What of the consumer a run needs. */
export interface RunContext<K, V> {
  readonly delivery: Delivery<K, V>
  readonly handlers: RunningHandlers
  readonly commitBatch: CommitBatch
  readonly deadLetters: DeadLetters
  /** null: there are none. */
  readonly retryTopics: RetryTopics | null
  readonly logger: Logger
}

/** Works until the signal aborts or the consumer is closed. Rejects with what a handler threw, or what is fatal. */
export async function runHandlers<K, V>(
  context: RunContext<K, V>,
  plan: RunPlan<K, V>,
): Promise<void> {
  const { delivery, handlers, retryTopics } = context
  const { signal, concurrency } = plan
  if (signal?.aborted) return
  const stop = stopSwitch()
  const unwatch = signal === undefined ? undefined : onAbort(signal, () => stop.abort())
  const stopped = joinSignals([stop.signal, delivery.ending])
  const failures: unknown[] = []
  const fail = (error: unknown): void => {
    const isEnd = [stop.signal, delivery.ending].some((end) => end.aborted && end.reason === error)
    if (!isEnd) failures.push(error)
    stop.abort()
  }
  const worker = openWorker(context, plan, stop.signal, stopped.signal, fail)
  const endGathering = delivery.startGathering(plan.maxRecords, plan.maxWaitMs)
  delivery.keepsOriginals =
    plan.retry.retries > 0 || plan.deadLetterTopic !== null || retryTopics !== null
  delivery.due = retryTopics === null ? null : new DueGate(delivery, retryTopics.delays)
  try {
    // What begins with the first pull of all must not run in the context of a handler.
    delivery.pull()
    await handlers.during(async () => {
      await Promise.all(Array.from({ length: concurrency }, worker))
    })
  } finally {
    endGathering()
    delivery.keepsOriginals = false
    delivery.due?.close()
    delivery.due = null
    unwatch?.()
    stopped.release()
  }
  if (failures.length > 0) throw failures[0]
}

/** What one worker does until its loop ends. */
function openWorker<K, V>(
  context: RunContext<K, V>,
  plan: RunPlan<K, V>,
  end: AbortSignal,
  stopped: AbortSignal,
  fail: (error: unknown) => void,
): () => Promise<void> {
  const { delivery, handlers, commitBatch, deadLetters, retryTopics, logger } = context
  const { handler, concurrency, retry, deadLetterTopic } = plan
  const onFailure = (text: string, error: unknown): void => logger.warn(text, { error })
  const policy = new RetryPolicy({
    retry,
    deadLetterTopic,
    deadLetters,
    retryTopics,
    stopped,
    onFailure,
    watchers: delivery.watchers,
  })
  switch (handler.kind) {
    case 'keys': {
      const slots = new Slots(concurrency)
      const look = (): void => slots.look()
      delivery.watchers.each(look, stopped)
      const handle = policy.handling(tracedHandler(handler.handle, delivery))
      const work = { delivery, handlers, policy, slots, handle, concurrency, stopped }
      return () => closing(portionStream(delivery, end), (stream) => workByKey(stream, work), fail)
    }
    case 'records': {
      const handle = policy.handling(tracedHandler(handler.handle, delivery))
      const open = () => recordStream(delivery, null, end)
      return () =>
        handlers.thread((thread) =>
          closing(open(), (stream) => callHandlers(stream, handle, policy, thread), fail),
        )
    }
    default: {
      const handle = policy.handling(tracedHandler(handler.handle, delivery))
      const open = () => batchStream(delivery, null, end, commitBatch)
      return () =>
        handlers.thread((thread) =>
          closing(open(), (stream) => callHandlers(stream, handle, policy, thread), fail),
        )
    }
  }
}

/**
 * Ends the loop with the work. A failure is told before the loop gives its partition back: else another
 * worker would continue after the item that failed, and a commit of its work would cover that item.
 */
async function closing<K, V, T>(
  stream: RecordIterator<K, V, T>,
  work: (stream: RecordIterator<K, V, T>) => Promise<void>,
  fail: (error: unknown) => void,
): Promise<void> {
  try {
    await work(stream)
  } catch (error) {
    fail(error)
  } finally {
    stream.giveUp()
    await stream.return()
  }
}

/** One item after the other: asking for the next one says that the one before is done. */
async function callHandlers<K, V, T extends Item>(
  stream: RecordIterator<K, V, T>,
  handle: (item: T, context: HandlerContext) => unknown,
  policy: RetryPolicy,
  thread: HandlerThread,
): Promise<void> {
  let context = contextOf(stream.lossSignal, 1)
  for (;;) {
    // A handler that returns no promise costs none either.
    let item = stream.takeNow()
    if (item === null) {
      const { done, value } = await stream.next()
      if (done) return
      item = value
      context = contextOf(stream.lossSignal, 1)
    }
    if (policy.needsOriginals) preserve(item)
    try {
      const result = thread.begin(handle, item, policy.contextOf(item, context))
      if (result instanceof Object && 'then' in result) await result
      thread.settled()
    } catch (error) {
      const { heldPartition: state } = stream
      const { signal } = context
      const again = (original: T, attempt: number): unknown =>
        thread.begin(handle, original, contextOf(signal, attempt))
      const isDone = state !== null && (await policy.recover(error, item, state, again))
      thread.settled()
      if (!isDone) stream.giveUp()
    }
  }
}
