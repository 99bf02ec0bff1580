// The checks of a controller on replicas that a client or a test chooses.

/** A controller writes at most this many records of one request: a topic, a partition and a config are one each. */
export const MOST_RECORDS = 10_000
/** What it responds to more. */
export const EXCESS = 'Unable to perform excessively large batch operation.'

/** What is wrong with the replicas of one partition; null when they can be used. */
export function findReplicasProblem(
  replicas: readonly number[],
  isBroker: (nodeId: number) => boolean,
  replicationFactor: number = replicas.length,
): string | null {
  if (replicas.length === 0)
    return 'The manual partition assignment includes an empty replica list.'
  const repeated = replicas.find((id, i) => replicas.indexOf(id) !== i)
  if (repeated !== undefined) {
    return `The manual partition assignment includes the broker ${repeated} more than once.`
  }
  const unknown = replicas.find((id) => !isBroker(id))
  if (unknown !== undefined) {
    return `The manual partition assignment includes broker ${unknown}, but no such broker is registered.`
  }
  if (replicas.length === replicationFactor) return null
  return `The manual partition assignment includes a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`
}
