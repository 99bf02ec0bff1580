// What health() tells of each broker that was asked for records.

export interface BrokerHealth {
  readonly nodeId: number
  /** The last response to a fetch (ms since 1970). */
  readonly lastFetchAt: number | null
  /** Since when it cannot be reached (ms since 1970). */
  readonly unreachableSince: number | null
}
