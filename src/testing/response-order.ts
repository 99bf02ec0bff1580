// Brokers list partitions that do not exist first, whatever the order of the request: a client
// that goes by position is wrong.

/** The items that are not known, then the others. */
export function unknownFirst<T>(items: readonly T[], isKnown: (item: T) => boolean): T[] {
  return [...items.filter((item) => !isKnown(item)), ...items.filter(isKnown)]
}
