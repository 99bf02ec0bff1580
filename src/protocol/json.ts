// Messages as JSON, without loss: int64 and bytes, which JSON lacks, are objects of one key, and so are
// tagged fields that no codec knows. UUIDs are strings already.

import { InvalidArgumentError } from '../errors.ts'
import { setUnknownTags, type UnknownTag, unknownTags } from './unknown-tags.ts'
import { invalidValue } from './value-error.ts'

/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const TAGS_KEY = '$tags'

/**
 * A message, or any part of one, as JSON: `5n` is `{ "$int64": "5" }`, bytes are `{ "$bytes": "base64" }`,
 * numbers that JSON lacks are `{ "$number": "-0" }`. `fromJson` gives the message back.
 * @throws {InvalidArgumentError} naming the field whose value no message can have
 */
export function toJson(value: unknown): Json {
  return write(value, '')
}

function write(value: unknown, path: string): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { $number: Object.is(value, -0) ? '-0' : String(value) }
  }
  if (typeof value === 'bigint') return { $int64: value.toString() }
  if (value instanceof Uint8Array) {
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64') }
  }
  if (Array.isArray(value)) return value.map((item, index) => write(item, `${path}[${index}]`))
  if (typeof value === 'object' && isPlain(value)) return writeStruct(value, path)
  throw invalidValue(path === '' ? 'value' : path, 'a value that a message can have', value)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function writeStruct(struct: object, path: string): Json {
  const json: { [key: string]: Json } = {}
  for (const [key, value] of Object.entries(struct)) {
    if (key.startsWith('$')) throw invalidValue(`the key ${JSON.stringify(key)}`, 'no $ first', key)
    json[key] = write(value, path === '' ? key : `${path}.${key}`)
  }
  const tags = unknownTags(struct)
  if (tags.length > 0) {
    json[TAGS_KEY] = tags.map(({ tag, data }) => ({ tag, data: data.toString('base64') }))
  }
  return json
}

/**
 * The message that `toJson` was given.
 * @throws {InvalidArgumentError} naming the place that is not of that form
 */
export function fromJson(json: Json): unknown {
  return read(json, '')
}

function read(json: Json, path: string): unknown {
  if (json === null || typeof json !== 'object') {
    if (json !== null && !['boolean', 'number', 'string'].includes(typeof json)) {
      throw invalidValue(path === '' ? 'json' : path, 'a value that JSON can hold', json)
    }
    return json
  }
  if (Array.isArray(json)) return json.map((item, index) => read(item, `${path}[${index}]`))
  const keys = Object.keys(json)
  if (keys.length === 1 && keys[0].startsWith('$') && keys[0] !== TAGS_KEY) {
    return readScalar(keys[0], json[keys[0]], path)
  }
  const struct: Record<string, unknown> = {}
  for (const key of keys) {
    // No message has such a field, and to assign it would change the prototype.
    if (key === '__proto__') throw invalidValue(`${path}.${key}`, 'the name of a field', key)
    if (key !== TAGS_KEY) struct[key] = read(json[key], path === '' ? key : `${path}.${key}`)
  }
  return TAGS_KEY in json ? setUnknownTags(struct, readTags(json[TAGS_KEY], path)) : struct
}

function readScalar(kind: string, text: Json, path: string): unknown {
  const place = path === '' ? 'json' : path
  if (typeof text !== 'string') throw invalidValue(`${place}.${kind}`, 'a string', text)
  switch (kind) {
    case '$int64':
      if (/^-?\d{1,20}$/.test(text)) return BigInt(text)
      throw invalidValue(`${place}.$int64`, 'an integer in decimal digits', text)
    case '$bytes':
      return readBase64(text, `${place}.$bytes`)
    case '$number':
      if (['-0', 'NaN', 'Infinity', '-Infinity'].includes(text)) return Number(text)
      throw invalidValue(`${place}.$number`, "'-0', 'NaN', 'Infinity' or '-Infinity'", text)
    default:
      throw new InvalidArgumentError(
        `${place} has the key ${JSON.stringify(kind)}: expected $int64, $bytes, $number or $tags`,
      )
  }
}

function readTags(json: Json, path: string): UnknownTag[] {
  const place = `${path === '' ? 'json' : path}.$tags`
  if (!Array.isArray(json)) throw invalidValue(place, 'an array', json)
  return json.map((entry, index) => {
    const tag: unknown = Reflect.get(Object(entry), 'tag')
    const data: unknown = Reflect.get(Object(entry), 'data')
    if (typeof tag !== 'number' || tag >>> 0 !== tag) {
      throw invalidValue(`${place}[${index}].tag`, 'a whole number from 0', tag)
    }
    if (typeof data !== 'string') throw invalidValue(`${place}[${index}].data`, 'base64', data)
    return { tag, data: readBase64(data, `${place}[${index}].data`) }
  })
}

function readBase64(text: string, place: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw invalidValue(place, 'base64', text)
}
