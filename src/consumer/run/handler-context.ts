// What a handler of run() learns besides its record or batch.

export interface HandlerContext {
  /** Aborts when the partition is taken from this consumer: the rest of the work is useless. */
  readonly signal: AbortSignal
  /**
   * The number of this call for the record or batch: 1 for the first. Each retry raises it, in retry topics
   * too. A record that comes again after a crash or a rebalance begins at 1 again.
   */
  readonly attempt: number
  /**
   * How often the group has delivered the record. Only share groups count deliveries, so this is `null` for a
   * consumer.
   */
  readonly deliveryCount: number | null
}

export function contextOf(signal: AbortSignal, attempt: number): HandlerContext {
  return { signal, attempt, deliveryCount: null }
}
