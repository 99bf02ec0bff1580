// The types and states of groups, as brokers name them.

/** `classic` and `consumer` (KIP-848) are consumer groups, `share` KIP-932, `streams` KIP-1071. */
export type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

/** A group's state, as the coordinator names it. */
export type GroupState =
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead'
  | 'Empty'
  | 'Assigning'
  | 'Reconciling'
  | 'NotReady'
  | 'Unknown'
