// Tells `kafkawire:process` of the handlers of run(), and lets wrappers run around them.

import { isThenable } from '../../async/rejections.ts'
import {
  channels,
  isTraced,
  type ProcessMessage,
  processWrappers,
  Trace,
} from '../../diagnostics.ts'
import { ConsumerBatch } from '../delivery/consumer-batch.ts'
import type { HandlerContext } from './handler-context.ts'
import type { Item } from './retry-policy.ts'

/** The handler; its calls are published while something subscribes. */
export function tracedHandler<T extends Item>(
  handle: (item: T, context: HandlerContext) => unknown,
  client: { readonly clientId: string; readonly groupId: string | null },
): (item: T, context: HandlerContext) => unknown {
  return (item, context) => {
    if (processWrappers.size === 0 && !isTraced(channels.process)) return handle(item, context)
    const message = messageOf(item, client)
    let call = (): unknown => told(message, () => handle(item, context))
    for (const wrapper of processWrappers) {
      const inner = call
      call = () => wrapper(message, inner)
    }
    return call()
  }
}

function messageOf(
  item: Item,
  { clientId, groupId }: { readonly clientId: string; readonly groupId: string | null },
): ProcessMessage {
  const { topic, partition } = item
  const isBatch = item instanceof ConsumerBatch
  return { clientId, groupId, topic, partition, isBatch, records: isBatch ? item.records : [item] }
}

function told(message: ProcessMessage, handle: () => unknown): unknown {
  const trace = Trace.begin(channels.process, () => message)
  if (trace === null) return handle()
  try {
    const result = handle()
    if (!isThenable(result)) {
      trace.end()
      return result
    }
    return Promise.resolve(result).then(
      (value) => {
        trace.end()
        return value
      },
      (error: unknown) => {
        trace.fail(error)
        throw error
      },
    )
  } catch (error) {
    trace.fail(error)
    throw error
  }
}
