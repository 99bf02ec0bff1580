// Finds the name of the field at which a message could not be read, after the fact: the message is
// decoded once more by a reader whose failing read answers with a marker and whose later reads answer
// with defaults; where the marker turns up in the decoded message is the field. Codecs that read well
// pay nothing for it.

import type { Reader } from './reader.ts'

const defaults: Record<string, unknown> = {
  bool: false,
  int8: 0,
  int16: 0,
  uint16: 0,
  int32: 0,
  uint32: 0,
  int64: 0n,
  float64: 0,
  unsignedVarint: 0,
  varint: 0,
  unsignedVarlong: 0n,
  varlong: 0n,
  uuid: '',
  string: '',
  nullableString: null,
  nonCompactNullableString: null,
  bytes: Buffer.alloc(0),
  nullableBytes: null,
  records: null,
  array: [],
  nullableArray: null,
  int8Array: [],
  int32Array: [],
  nullableInt32Array: null,
  int64Array: [],
  stringArray: [],
  nullableStringArray: null,
  uuidArray: [],
  nullableUuidArray: null,
  nullable: null,
  tags: undefined,
  tagsInto: undefined,
}

/** Reads that hand the reader on to a codec: the codec must go on with the watching one. */
const composites = new Set(['array', 'nullableArray', 'nullable', 'tags', 'tagsInto'])

/** Path of the field whose read fails, such as `topics[2].partitions[0].records`; '' if none is seen. */
export function findFailingField(reader: Reader, decode: (r: Reader) => unknown): string {
  const marker = {}
  let hasFailed = false
  const watching = new Proxy(reader, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (typeof name !== 'string' || !(name in defaults)) return member.bind(target)
      return (...args: unknown[]): unknown => {
        if (hasFailed) return defaults[name]
        try {
          return member.apply(composites.has(name) ? receiver : target, args)
        } catch {
          if (hasFailed) return defaults[name]
          hasFailed = true
          return marker
        }
      }
    },
  })
  try {
    return findMarker(decode(watching), marker, '') ?? ''
  } catch {
    return '' // a codec that computes with what it read may stumble over the marker: no name then
  }
}

function findMarker(value: unknown, marker: object, path: string): string | null {
  if (value === marker) return path
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return null
  for (const [key, child] of Object.entries(value)) {
    const step = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    const found = findMarker(child, marker, step)
    if (found !== null) return found
  }
  return null
}
