// Calls what the user hung into the producer. What is thrown there is logged and changes nothing.

import type { Logger } from '../logger.ts'
import type { RecordObserver } from './batching/batch-callbacks.ts'
import type { OnDelivery, ProducerInterceptor } from './hooks.ts'
import type { ProducerRecord } from './record.ts'

/** The record as the interceptors want it sent; one that throws is left out. */
export function interceptSend(
  interceptors: readonly ProducerInterceptor[],
  record: ProducerRecord<unknown, unknown>,
  logger: Logger,
): ProducerRecord<unknown, unknown> {
  let changed = record
  for (const interceptor of interceptors) {
    if (interceptor.onSend === undefined) continue
    try {
      changed = interceptor.onSend(changed)
    } catch (error) {
      report(logger, 'an interceptor', error)
    }
  }
  return changed
}

/** Tells hook and interceptors of each outcome; null where nobody wants to know. */
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
        interceptor.onAcknowledgement?.(metadata, error)
      } catch (thrown) {
        report(logger, 'an interceptor', thrown)
      }
    }
    try {
      onDelivery?.(error, metadata, context)
    } catch (thrown) {
      report(logger, 'onDelivery', thrown)
    }
  }
}

/** Calls a hook of the user. */
export function callHook<T>(
  hook: ((argument: T) => void) | null,
  name: string,
  argument: T,
  logger: Logger,
): void {
  try {
    hook?.(argument)
  } catch (error) {
    report(logger, name, error)
  }
}

function report(logger: Logger, what: string, error: unknown): void {
  logger.error(`${what} of the producer threw: it is ignored`, { error })
}
