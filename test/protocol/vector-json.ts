// The JSON form of the golden vectors: int64 as a decimal string, bytes as base64. This says whether a
// decoded message is what a vector states, and makes of a vector the message that is encoded.

/**
 * The first difference between a decoded message and the vector's JSON, or null. Fields that the
 * vector does not state must hold a default, which `isDefault` judges.
 */
export function difference(actual: unknown, expected: unknown, path = ''): string | null {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return `${path}: no array but ${String(actual)}`
    if (actual.length !== expected.length) {
      return `${path}: ${actual.length} elements, ${expected.length} expected`
    }
    for (let i = 0; i < expected.length; i++) {
      const found = difference(actual[i], expected[i], `${path}[${i}]`)
      if (found !== null) return found
    }
    return null
  }
  if (expected !== null && typeof expected === 'object') {
    if (actual === null || typeof actual !== 'object') return `${path}: no struct`
    for (const [key, value] of Object.entries(expected)) {
      if (!(key in actual)) return `${path}.${key}: missing`
      const found = difference((actual as Record<string, unknown>)[key], value, `${path}.${key}`)
      if (found !== null) return found
    }
    return null
  }
  const shown = plain(actual)
  return Object.is(shown, expected)
    ? null
    : `${path}: ${String(shown)} instead of ${String(expected)}`
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return value
}
