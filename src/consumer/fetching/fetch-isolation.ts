// Finds the partition that makes the responses of a broker unreadable: a batch larger than
// maxResponseSize, for example. Without it, one such partition would keep all others of its broker from
// being read. Halves the partitions of a failed request until one is left. No I/O.

/** What is known of one broker's partitions. */
export class FetchIsolation<Target> {
  /** Sets of partitions of which at least one may be at fault; each is asked for without the others. */
  private groups: Target[][] = []
  private isGroupsTurn = true

  /** Whether nothing is suspected. */
  get isIdle(): boolean {
    return this.groups.length === 0
  }

  /**
   * Which of `targets` to ask for next. While some are suspected, one group of them and all others take
   * turns.
   */
  choose(targets: readonly Target[]): readonly Target[] {
    if (this.groups.length === 0) return targets
    const wanted = new Set(targets)
    const suspects = new Set(this.groups.flat())
    const others = targets.filter((target) => !suspects.has(target))
    const turn = this.groups.findIndex((group) => group.some((target) => wanted.has(target)))
    this.isGroupsTurn = turn >= 0 && (this.isGroupsTurn || others.length === 0)
    if (!this.isGroupsTurn) {
      this.isGroupsTurn = true
      return others
    }
    this.isGroupsTurn = false
    const [group] = this.groups.splice(turn, 1)
    // The next turn is another group's.
    this.groups.push(group)
    return group.filter((target) => wanted.has(target))
  }

  /** The response to a request about `targets` was read: none of them is at fault. */
  clear(targets: readonly Target[]): void {
    if (this.groups.length === 0) return
    const cleared = new Set(targets)
    this.groups = this.groups
      .map((group) => group.filter((target) => !cleared.has(target)))
      .filter((group) => group.length > 0)
  }

  /**
   * The response to a request about `targets` could not be read.
   * @returns the one that is at fault; null if that is not known yet
   */
  accuse(targets: readonly Target[]): Target | null {
    this.clear(targets)
    const middle = Math.ceil(targets.length / 2)
    for (const half of [targets.slice(0, middle), targets.slice(middle)]) {
      if (half.length > 0) this.groups.push([...half])
    }
    return targets.length === 1 ? targets[0] : null
  }
}
