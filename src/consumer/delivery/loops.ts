// The loops that are open, by what they take from: of thousands that wait, each for its partition, only one is woken
// when something of that partition can be taken.

import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Loop } from './loop.ts'

const none: readonly Loop[] = Object.freeze([])

export class Loops implements Iterable<Loop> {
  private readonly all = new Set<Loop>()
  /** Those that take from any partition. */
  private readonly ofAny = new Set<Loop>()
  private readonly ofOne = new Map<AssignedPartition, Set<Loop>>()

  get size(): number {
    return this.all.size
  }

  [Symbol.iterator](): Iterator<Loop> {
    return this.all.values()
  }

  add(loop: Loop): void {
    const { only } = loop
    this.all.add(loop)
    if (only === null) this.ofAny.add(loop)
    if (!only) return
    const ofOne = this.ofOne.get(only)
    if (ofOne === undefined) this.ofOne.set(only, new Set([loop]))
    else ofOne.add(loop)
  }

  delete(loop: Loop): boolean {
    const { only } = loop
    this.ofAny.delete(loop)
    const ofOne = only ? this.ofOne.get(only) : undefined
    if (only && ofOne?.delete(loop) && ofOne.size === 0) this.ofOne.delete(only)
    return this.all.delete(loop)
  }

  /** The consumer is closed: signals that outlive it must not keep it in memory. */
  unwatch(): void {
    for (const loop of this.all) loop.unwatch()
  }

  /** Lets every loop that waits look again. */
  wake(): void {
    for (const loop of this.all) loop.retry()
  }

  /** Lets loops look again until one has this partition. */
  wakeFor(state: AssignedPartition): void {
    for (const loops of [this.ofOne.get(state) ?? none, this.ofAny]) {
      for (const loop of loops) {
        if (state.holder !== null) return
        loop.retry()
      }
    }
  }
}
