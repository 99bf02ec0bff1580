// Calls what the user hung into the producer. What is thrown there is logged and changes nothing.

import { isThenable, watchRejection } from '../async/rejections.ts'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { RecordObserver } from './batching/batch-callbacks.ts'
import type { OnDelivery, ProducerInterceptor } from './hooks.ts'
import { type ProducerRecord, readingError } from './record.ts'

/** The record as the interceptors want it sent; one that throws, or returns no record, is left out. */
export function interceptSend(
  interceptors: readonly ProducerInterceptor[],
  record: ProducerRecord<unknown, unknown>,
  logger: Logger,
): ProducerRecord<unknown, unknown> {
  let changed = record
  for (const interceptor of interceptors) {
    if (interceptor.onSend === undefined) continue
    try {
      const returned: unknown = interceptor.onSend(changed)
      if (isThenable(returned)) {
        watch(returned, logger, 'an interceptor')
        throw new InvalidArgumentError(
          'onSend() of an interceptor must return a record, got a promise: it cannot be async',
        )
      }
      if (returned === undefined) continue
      if (typeof returned !== 'object' || returned === null || Array.isArray(returned)) {
        throw new InvalidArgumentError(
          `onSend() of an interceptor must return a record, got ${describeValue(returned)}`,
        )
      }
      const unreadable = readingError(returned, null)
      if (unreadable !== null) throw unreadable
      changed = returned as ProducerRecord<unknown, unknown>
    } catch (error) {
      report(logger, 'an interceptor', error)
    }
  }
  return changed
}

/** Calls the hook and the interceptors with each outcome; null when there are none. */
export function makeObserver(
  onDelivery: OnDelivery | null,
  interceptors: readonly ProducerInterceptor[],
  logger: Logger,
): RecordObserver | null {
  const watching = interceptors.filter((each) => each.onAcknowledgement !== undefined)
  if (onDelivery === null && watching.length === 0) return null
  return (error, metadata, context) => {
    for (const interceptor of watching) {
      try {
        const returned: unknown = interceptor.onAcknowledgement?.(metadata, error)
        if (returned !== undefined) watch(returned, logger, 'an interceptor')
      } catch (thrown) {
        report(logger, 'an interceptor', thrown)
      }
    }
    try {
      const returned: unknown = onDelivery?.(error, metadata, context)
      if (returned !== undefined) watch(returned, logger, 'onDelivery')
    } catch (thrown) {
      report(logger, 'onDelivery', thrown)
    }
  }
}

/** Calls a hook of the user. */
export function callHook<T>(
  hook: ((argument: T) => unknown) | null,
  name: string,
  argument: T,
  logger: Logger,
): void {
  try {
    watch(hook?.(argument), logger, name)
  } catch (error) {
    report(logger, name, error)
  }
}

/** A hook may be async: its rejection would end the process if it had no handler. */
function watch(returned: unknown, logger: Logger, what: string): void {
  watchRejection(returned, (error) => report(logger, what, error))
}

function report(logger: Logger, what: string, error: unknown): void {
  logger.error(`${what} of the producer threw: it is ignored`, { error })
}
