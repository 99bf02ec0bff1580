// What keeps a partition that is assigned from being fetched and delivered. No I/O.

export type HoldName =
  /** By the user. Its buffer is kept. */
  | 'isPaused'
  /** A rebalance takes it away; nothing more is delivered. */
  | 'isRevoking'
  /** `onAssigned` has not returned yet. */
  | 'isAwaitingCallback'
  /** Still assigned, no longer subscribed to. */
  | 'isUnsubscribed'
  /** Its next record is to be retried later. */
  | 'isNotDue'

const bits: Readonly<Record<HoldName, number>> = {
  isPaused: 1,
  isRevoking: 2,
  isAwaitingCallback: 4,
  isUnsubscribed: 8,
  isNotDue: 16,
}

/** Bits and not a Set: there may be very many partitions. */
export class PartitionHolds {
  private held = 0

  has(name: HoldName): boolean {
    return (this.held & bits[name]) !== 0
  }

  get isEmpty(): boolean {
    return this.held === 0
  }

  /** @returns whether that changed anything */
  set(name: HoldName, on: boolean): boolean {
    if (this.has(name) === on) return false
    this.held ^= bits[name]
    return true
  }
}
