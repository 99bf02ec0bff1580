// Where to go without a valid offset, as a timestamp that ListOffsets understands.

import type { AutoOffsetReset } from '../options.ts'

/** ListOffsets timestamps with a meaning of their own. */
export const EARLIEST = -2n
export const LATEST = -1n

/** The timestamp to ask for; null: the policy is `none`. */
export function resetTimestamp(policy: AutoOffsetReset, now: number): bigint | null {
  switch (policy) {
    case 'none':
      return null
    case 'earliest':
      return EARLIEST
    case 'latest':
      return LATEST
    default:
      return BigInt(
        'timestamp' in policy ? policy.timestamp : Math.max(0, Math.trunc(now) - policy.durationMs),
      )
  }
}
