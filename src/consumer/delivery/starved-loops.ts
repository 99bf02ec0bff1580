// Loops that wait while all memory for fetched records is taken by partitions that give them nothing: paused ones,
// and those whose handlers are slow. What is held can be fetched again, and so loses its place.

import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Loop } from './loop.ts'

/**
 * Whether a loop waits although nothing of what is buffered could be given to it.
 * @param ready the partitions that have something
 */
export function isAnyStarved(loops: Iterable<Loop>, ready: Iterable<AssignedPartition>): boolean {
  const isFree = (state: AssignedPartition): boolean => state.holder === null && isToCome(state)
  let isAnyFree: boolean | undefined
  return [...loops].some(({ waitingSince, only }) => {
    if (typeof waitingSince !== 'number') return false
    if (only) return !only.isHeld && !isToCome(only)
    isAnyFree ??= [...ready].some(isFree)
    return !isAnyFree
  })
}

/**
 * Drops what is buffered of partitions that nothing is delivered of: it is fetched again when they are let go.
 * What would be reported or handled twice then is kept.
 * @param isScreened whether records that were taken out of their block were looked at by deserializers
 * @param left partitions of which something is to be taken back
 */
export function dropHeld(
  partitions: Iterable<AssignedPartition>,
  isScreened: boolean,
  left: ReadonlyMap<AssignedPartition, unknown>,
): void {
  for (const state of partitions) {
    const { buffer, chunk, holder } = state
    if (!state.isHeld || buffer.isEmpty || buffer.isOpening || holder !== null) continue
    if (state.isInHand || state.isRevoking || left.has(state)) continue
    if (chunk !== null && (isScreened || chunk.doneAhead !== null)) continue
    state.dropBuffer()
  }
}

/** Whether a loop can take of it, or could soon: records are on their way through codecs and deserializers. */
function isToCome(state: AssignedPartition): boolean {
  return hasSomething(state) && (state.canHand || state.canFail || state.buffer.isOpening)
}

export function hasSomething(state: AssignedPartition): boolean {
  return !state.buffer.isEmpty || state.failure !== null
}
