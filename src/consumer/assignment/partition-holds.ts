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

export class PartitionHolds {
  private readonly held = new Set<HoldName>()

  has(name: HoldName): boolean {
    return this.held.has(name)
  }

  get isEmpty(): boolean {
    return this.held.size === 0
  }

  /** @returns whether that changed anything */
  set(name: HoldName, on: boolean): boolean {
    if (this.held.has(name) === on) return false
    if (on) this.held.add(name)
    else this.held.delete(name)
    return true
  }
}
