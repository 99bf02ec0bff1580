// What is known of where an assigned partition is read, and in which order that changes.

export type FetchState =
  /** Assigned, no position. */
  | 'initializing'
  /** The group's committed offset is asked for. */
  | 'awaitCommitted'
  /** The log is asked where `resetTo` is. */
  | 'awaitReset'
  /** The leader is asked whether the log still holds what the position stands on (KIP-320). */
  | 'awaitValidation'
  | 'fetching'

/** Which state may follow which. */
export const transitions: Readonly<Record<FetchState, readonly FetchState[]>> = {
  initializing: ['initializing', 'awaitCommitted', 'awaitReset', 'awaitValidation', 'fetching'],
  awaitCommitted: ['initializing', 'awaitValidation', 'awaitReset', 'fetching'],
  awaitReset: ['initializing', 'awaitCommitted', 'fetching', 'awaitReset', 'awaitValidation'],
  awaitValidation: ['initializing', 'awaitCommitted', 'fetching', 'awaitReset', 'awaitValidation'],
  fetching: ['initializing', 'awaitCommitted', 'awaitValidation', 'awaitReset', 'fetching'],
}
