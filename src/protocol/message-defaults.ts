// Messages from the fields that matter: the rest has the defaults of Kafka's definitions. The codecs know
// them, as a decoder gives a field that its version lacks its default; so they are asked, with a reader
// that reads nothing, and only what they do not state is in a table (stated-defaults.ts).

import { InvalidArgumentError } from '../errors.ts'
import type { CodecReader, Reader } from './reader.ts'
import { statedDefaults } from './stated-defaults.ts'
import { ZERO_UUID } from './uuid.ts'
import { invalidValue } from './value-error.ts'

/** Some fields of a message, and of the structs within it. */
export type Fields<T> = T extends string | number | bigint | boolean | null | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? Fields<Item>[]
    : T extends object
      ? { [Key in keyof T]?: Fields<T[Key]> }
      : T

/** What a struct is made of: its fields with their defaults, and the structs within it. */
interface Shape {
  readonly defaults: Record<string, unknown>
  readonly structs: Map<string, Struct>
}

/** A field that holds a struct, or an array of them. */
class Struct {
  readonly shape: Shape
  readonly isArray: boolean

  constructor(shape: Shape, isArray: boolean) {
    this.shape = shape
    this.isArray = isArray
  }
}

type Decode = (r: Reader) => unknown
type OnTag<T> = (tag: number, r: Reader, struct: T) => void

/** What of an API is asked for. */
interface Source {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
  readonly latestUnstable?: number
}

/** Makes messages of one API and direction. */
export class MessageTemplate {
  private readonly source: Source
  private readonly type: 'request' | 'response'
  private readonly decode: Decode
  private shape: Shape | undefined

  constructor(source: Source, type: 'request' | 'response', decode: Decode) {
    this.source = source
    this.type = type
    this.decode = decode
  }

  /**
   * The message with these fields, and defaults in place of all others.
   * @throws {InvalidArgumentError} when it has no such field
   */
  fill(fields: unknown): unknown {
    this.shape ??= this.learn()
    const name = `${this.source.name} ${this.type}`
    return filled(this.shape, fields, name, '')
  }

  private learn(): Shape {
    const { name, minVersion, maxVersion, latestUnstable = maxVersion } = this.source
    let shape = shapeOf(this.decode, minVersion)
    for (let version = minVersion + 1; version <= latestUnstable; version++) {
      shape = merged(shape, shapeOf(this.decode, version))
    }
    applyStated(shape, statedDefaults[`${name} ${this.type}`] ?? {})
    return shape
  }
}

function filled(shape: Shape, fields: unknown, message: string, path: string): unknown {
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) {
    throw invalidValue(`${message}${path === '' ? '' : `: ${path}`}`, 'an object', fields)
  }
  const struct = fresh(shape)
  for (const key of Reflect.ownKeys(fields)) {
    const value: unknown = Reflect.get(fields, key)
    if (typeof key === 'string' && !(key in shape.defaults)) {
      throw new InvalidArgumentError(
        `${message}: ${path === '' ? '' : `${path} has `}no field ${JSON.stringify(key)}. Its fields are ${Object.keys(shape.defaults).join(', ')}`,
      )
    }
    const inner = typeof key === 'string' ? shape.structs.get(key) : undefined
    const place = path === '' ? String(key) : `${path}.${String(key)}`
    if (value === undefined) continue
    if (inner === undefined || value === null) Reflect.set(struct, key, value)
    else if (!inner.isArray) Reflect.set(struct, key, filled(inner.shape, value, message, place))
    else if (!Array.isArray(value)) throw invalidValue(`${message}: ${place}`, 'an array', value)
    else {
      const items = value.map((item, at) => filled(inner.shape, item, message, `${place}[${at}]`))
      Reflect.set(struct, key, items)
    }
  }
  return struct
}

/** A struct with its defaults, which shares no array and no struct with another one. */
function fresh(shape: Shape): object {
  const struct: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(shape.defaults)) {
    const inner = shape.structs.get(key)
    if (Array.isArray(value)) struct[key] = []
    else if (inner !== undefined && value !== null) struct[key] = fresh(inner.shape)
    else struct[key] = value
  }
  return struct
}

function applyStated(shape: Shape, stated: Readonly<Record<string, unknown>>): void {
  for (const [path, value] of Object.entries(stated)) {
    const steps = path.replaceAll('[]', '').split('.')
    let at: Shape | undefined = shape
    for (const step of steps.slice(0, -1)) at = at?.structs.get(step)?.shape
    const field = steps[steps.length - 1]
    if (at === undefined || !(field in at.defaults)) throw new Error(`no field ${path}`)
    at.defaults[field] = value
  }
}

function shapeOf(decode: Decode, version: number): Shape {
  const structs = new Map<string, Struct>()
  for (const [key, value] of Object.entries(Object(decode(asReader(new ShapeReader(version)))))) {
    if (value instanceof Struct) structs.set(key, value)
  }
  // No version is or is not above NaN: every guarded field gets the default that the codec states.
  return { defaults: Object(decode(asReader(new ZeroReader(Number.NaN)))), structs }
}

function merged(a: Shape, b: Shape): Shape {
  const structs = new Map(a.structs)
  for (const [key, struct] of b.structs) {
    const known = structs.get(key)
    const shape = known === undefined ? struct.shape : merged(known.shape, struct.shape)
    structs.set(key, new Struct(shape, struct.isArray))
  }
  return { defaults: a.defaults, structs }
}

function asReader(reader: object): Reader {
  return reader as Reader
}

/** Has the methods of a Reader, and gives each read the value that its type starts with. */
class ZeroReader implements Record<keyof CodecReader, unknown> {
  readonly version: number
  readonly flexible: boolean = false
  readonly offset: number = 0
  readonly remaining: number = 0

  constructor(version: number) {
    this.version = version
  }

  bool = (): unknown => false
  int8 = (): unknown => 0
  int16 = (): unknown => 0
  uint16 = (): unknown => 0
  int32 = (): unknown => 0
  uint32 = (): unknown => 0
  int64 = (): unknown => 0n
  float64 = (): unknown => 0
  unsignedVarint = (): unknown => 0
  varint = (): unknown => 0
  unsignedVarlong = (): unknown => 0n
  varlong = (): unknown => 0n
  uuid = (): unknown => ZERO_UUID
  string = (): unknown => ''
  nullableString = (): unknown => null
  nonCompactNullableString = (): unknown => null
  bytes = (): unknown => Buffer.alloc(0)
  nullableBytes = (): unknown => null
  records = (): unknown => null
  int8Array = (): unknown => []
  int32Array = (): unknown => []
  nullableInt32Array = (): unknown => null
  int64Array = (): unknown => []
  stringArray = (): unknown => []
  nullableStringArray = (): unknown => null
  uuidArray = (): unknown => []
  nullableUuidArray = (): unknown => null

  array(_: Decode): unknown {
    return []
  }

  nullableArray(_: Decode): unknown {
    return null
  }

  nullable(_: Decode): unknown {
    return null
  }

  struct(decode: Decode): unknown {
    return decode(asReader(this))
  }

  keep<T>(struct: T): T {
    return struct
  }

  keepHidden<T>(struct: T): T {
    return struct
  }

  tags(_?: (tag: number, r: Reader) => void): void {}

  tagsInto<T>(_: T, __: OnTag<T>): void {}

  error(problem: string): Error {
    return new Error(problem)
  }
}

/** More than any struct has. */
const TRIED_TAGS = 16

/** Gives each struct, and each array of structs, what it is made of. */
class ShapeReader extends ZeroReader {
  override array(decode: Decode): unknown {
    return this.inner(decode, true)
  }

  override nullableArray(decode: Decode): unknown {
    return this.inner(decode, true)
  }

  override nullable(decode: Decode): unknown {
    return this.inner(decode, false)
  }

  override struct(decode: Decode): unknown {
    return this.inner(decode, false)
  }

  override tags(onTag: (tag: number, r: Reader) => void = () => {}): void {
    for (let tag = 0; tag < TRIED_TAGS; tag++) onTag(tag, asReader(this))
  }

  override tagsInto<T>(struct: T, onTag: OnTag<T>): void {
    this.tags((tag, r) => onTag(tag, r, struct))
  }

  /** Elements that are not structs have none. */
  private inner(decode: Decode, isArray: boolean): unknown {
    const isStruct = typeof decode(asReader(new ZeroReader(this.version))) === 'object'
    return isStruct ? new Struct(shapeOf(decode, this.version), isArray) : []
  }
}
