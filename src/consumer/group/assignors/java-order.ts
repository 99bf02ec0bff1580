// The order in which Java's hash maps iterate. Java's sticky assignors visit members and topics in that
// order, so a group whose leaders are of both kinds keeps its assignment only if this client does the same.

/** `String.hashCode`: over UTF-16 code units, in 32 bits. */
export function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** `TopicPartition.hashCode`. */
export function partitionHash(topic: string, partition: number): number {
  return (Math.imul(31, 31 + partition) + javaHash(topic)) | 0
}

/** Items as a `HashMap` (or `HashSet`) lists them that they were put into in this order. */
export function hashOrder<T>(items: readonly T[], hashOf: (item: T) => number): T[] {
  let capacity = 16
  while (items.length > capacity * 0.75) capacity *= 2
  const bucketOf = (item: T): number => {
    const hash = hashOf(item)
    return (hash ^ (hash >>> 16)) & (capacity - 1)
  }
  const keyed = items.map((item) => ({ item, bucket: bucketOf(item) }))
  return keyed.sort((a, b) => a.bucket - b.bucket).map(({ item }) => item)
}
