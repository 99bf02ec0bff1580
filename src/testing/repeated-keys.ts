// Which keys a request gives more than once: brokers refuse those.

export function repeatedKeys(keys: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) repeated.add(key)
    else seen.add(key)
  }
  return repeated
}
