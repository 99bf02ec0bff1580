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

const stop = new Error('nothing is read behind the failing field')

/**
 * Path of the field whose read fails, such as `topics[2].partitions[0].records`; of the array's element
 * where its tag section fails; '' if neither is seen.
 */
export function findFailingField(reader: Reader, decode: (r: Reader) => unknown): string {
  const marker = {}
  let hasFailed = false
  let isTagSection = false

  function fail(): unknown {
    hasFailed = true
    return marker
  }

  function decodeStruct(decodeOne: (r: Reader) => unknown): unknown {
    const struct = decodeOne(watching)
    if (!isTagSection) return struct
    isTagSection = false
    return marker
  }

  // An array ends with the element that fails, as its claimed length may be absurd.
  function readArray(isNullable: boolean, decodeOne: (r: Reader) => unknown): unknown {
    const items: unknown[] = []
    try {
      const length = reader.nullableArray(() => {
        items.push(decodeStruct(decodeOne))
        if (hasFailed) throw stop
      })?.length
      if (length === undefined) return isNullable ? null : fail()
      return items
    } catch {
      return hasFailed ? items : fail()
    }
  }

  function readTags(onTag: (tag: number, r: Reader) => void): void {
    try {
      reader.tags((tag) => {
        if (!hasFailed) onTag(tag, watching)
      })
    } catch {
      isTagSection = !hasFailed
      fail()
    }
  }

  const composites = {
    array: (decodeOne: (r: Reader) => unknown) => readArray(false, decodeOne),
    nullableArray: (decodeOne: (r: Reader) => unknown) => readArray(true, decodeOne),
    nullable: (decodeOne: (r: Reader) => unknown) => reader.nullable(() => decodeStruct(decodeOne)),
    tags: (onTag: (tag: number, r: Reader) => void = () => {}) => readTags(onTag),
    tagsInto: <T>(struct: T, onTag: (tag: number, r: Reader, struct: T) => void) =>
      readTags((tag, r) => onTag(tag, r, struct)),
  }

  const watching = new Proxy(reader, {
    get(_, name) {
      const member: unknown = Reflect.get(composites, name) ?? Reflect.get(reader, name, reader)
      if (typeof member !== 'function') return member
      if (typeof name !== 'string' || !(name in defaults)) return member.bind(reader)
      return (...args: unknown[]): unknown => {
        if (hasFailed) return defaults[name]
        try {
          return member.apply(reader, args)
        } catch {
          return hasFailed ? defaults[name] : fail()
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
