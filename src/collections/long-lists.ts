// For lists of any length. As arguments of push() or Math.max() items lie on the stack, and some 120,000
// are more than it holds: a consumer with that many partitions failed with a RangeError.

/** Adds items to the end of a list. */
export function addAll<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item)
}

/** The greatest of the numbers; -Infinity where there is none. */
export function greatest(numbers: Iterable<number>): number {
  let found = Number.NEGATIVE_INFINITY
  for (const number of numbers) if (number > found) found = number
  return found
}

/** The least of the numbers; Infinity where there is none. */
export function least(numbers: Iterable<number>): number {
  let found = Number.POSITIVE_INFINITY
  for (const number of numbers) if (number < found) found = number
  return found
}
