// The tracing channels of node:diagnostics_channel: what a client does, for those
// that subscribe. Where nothing subscribes it costs a comparison. docs/guide/tracing.md lists names and messages.

import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

/** Every channel's message has this. */
export interface TraceMessage {
  readonly clientId: string
  readonly [detail: string]: unknown
  /** Set when it failed. */
  error?: unknown
  /** What it came to, where a promise tells. */
  result?: unknown
}

type Channel = TracingChannel<unknown, object>

function open(name: string): Channel {
  return tracingChannel(`kafkawire:${name}`)
}

export const channels: Readonly<
  Record<
    | 'connect'
    | 'request'
    | 'send'
    | 'batch'
    | 'fetch'
    | 'deliver'
    | 'process'
    | 'commit'
    | 'rebalance'
    | 'transaction',
    Channel
  >
> = {
  connect: open('connect'),
  request: open('request'),
  send: open('send'),
  batch: open('batch'),
  fetch: open('fetch'),
  deliver: open('deliver'),
  process: open('process'),
  commit: open('commit'),
  rebalance: open('rebalance'),
  transaction: open('transaction'),
}

/** Whether any of a channel's events has a subscriber. */
export function isTraced({ start, end, asyncStart, asyncEnd, error }: Channel): boolean {
  return (
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers
  )
}

/** Work whose begin and end are published by different functions. */
export class Trace {
  private readonly channel: Channel
  private readonly message: TraceMessage

  private constructor(channel: Channel, message: TraceMessage) {
    this.channel = channel
    this.message = message
    channel.start.publish(message)
    channel.end.publish(message)
  }

  /** @returns null when nothing subscribes */
  static begin(channel: Channel, message: () => TraceMessage): Trace | null {
    return isTraced(channel) ? new Trace(channel, message()) : null
  }

  end(details: object = {}): void {
    Object.assign(this.message, details)
    this.channel.asyncStart.publish(this.message)
    this.channel.asyncEnd.publish(this.message)
  }

  fail(error: unknown): void {
    this.message.error = error
    this.channel.error.publish(this.message)
    this.end()
  }
}

/** Runs `work`, and publishes its begin and end. */
export function traced<T>(
  channel: Channel,
  message: () => TraceMessage,
  work: () => Promise<T>,
): Promise<T> {
  return isTraced(channel) ? channel.tracePromise(work, message()) : work()
}

/** Records that a handler of run() is called for. */
export interface ProcessMessage extends TraceMessage {
  readonly groupId: string | null
  readonly topic: string
  readonly partition: number
  /** One for `eachRecord`; those of the batch for `eachBatch`. */
  readonly records: readonly unknown[]
  readonly isBatch: boolean
}

/** Runs around the handlers of run(): what makes an asynchronous context must call them itself. */
export type ProcessWrapper = (message: ProcessMessage, handle: () => unknown) => unknown

/** The wrappers in use; each is responsible for calling `handle` exactly once. */
export const processWrappers: Set<ProcessWrapper> = new Set()
