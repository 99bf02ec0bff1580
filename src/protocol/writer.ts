// Writes one message in one version. The only place, with reader.ts, that knows compact encodings,
// varints and growth. Large `records` are taken by reference, so what comes out is a list of chunks.

import { type InvalidArgumentError, UnsupportedVersionError } from '../errors.ts'
import { seen, type UnknownTag, unknownTags } from './unknown-tags.ts'
import { type IntegerType, invalidInteger, invalidValue } from './value-error.ts'

/** A tagged field: written only where it is given, that is where it differs from its default. */
export interface TaggedField {
  tag: number
  encode: (w: Writer) => void
}

/** Below this many bytes a copy costs less than one more chunk in a writev. */
const COPY_RECORDS_BELOW = 2048
const MAX_STRING_BYTES = 32767
const UUID_FORM = 'a UUID: 22 characters of base64url'

/** What a codec needs to know of its API to write one message. */
export interface MessageContext {
  name: string
  flexibleFrom: number
}

export class Writer {
  /** Version of the API that is written. */
  readonly version: number
  /** Whether that version uses compact lengths and tagged fields (KIP-482). */
  readonly flexible: boolean
  private readonly api: string
  private buffer: Buffer
  private position = 0
  private chunkStart = 0
  private chunks: Buffer[] | null = null
  private chunkedBytes = 0
  /** Tagged fields of the struct that is being written which its codec does not know. */
  private kept: readonly UnknownTag[] | null = null

  constructor(api: MessageContext, version: number, capacity = 256) {
    this.api = api.name
    this.version = version
    this.flexible = version >= api.flexibleFrom
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  /** Bytes written so far, records taken by reference included. */
  get size(): number {
    return this.chunkedBytes + this.position - this.chunkStart
  }

  /** The message as chunks to be sent one after the other. The writer must not be used afterwards. */
  finish(): Buffer[] {
    const last = this.buffer.subarray(this.chunkStart, this.position)
    if (this.chunks === null) return [last]
    if (last.length > 0) this.chunks.push(last)
    return this.chunks
  }

  /** The message as one buffer: a copy where there are several chunks. */
  finishToBuffer(): Buffer {
    const chunks = this.finish()
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
  }

  /** The error of an encoder that would lose `field`, as this version has no place for it. */
  unsupported(field: string): UnsupportedVersionError {
    return new UnsupportedVersionError(
      `${this.api} v${this.version} cannot carry ${field}: that version has no place for it. Leave it at its default, or use another version`,
    )
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw this.invalid('a boolean', value)
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  int8(value: number): void {
    if (typeof value !== 'number' || (value << 24) >> 24 !== value)
      throw this.outOfRange('int8', value)
    const at = this.reserve(1)
    this.buffer[at] = value
  }

  int16(value: number): void {
    if (typeof value !== 'number' || (value << 16) >> 16 !== value)
      throw this.outOfRange('int16', value)
    const at = this.reserve(2)
    this.buffer[at] = value >> 8
    this.buffer[at + 1] = value
  }

  uint16(value: number): void {
    if (typeof value !== 'number' || (value & 0xffff) !== value)
      throw this.outOfRange('uint16', value)
    const at = this.reserve(2)
    this.buffer[at] = value >> 8
    this.buffer[at + 1] = value
  }

  int32(value: number): void {
    if (typeof value !== 'number' || (value | 0) !== value) throw this.outOfRange('int32', value)
    const at = this.reserve(4)
    const buffer = this.buffer
    buffer[at] = value >> 24
    buffer[at + 1] = value >> 16
    buffer[at + 2] = value >> 8
    buffer[at + 3] = value
  }

  uint32(value: number): void {
    if (typeof value !== 'number' || value >>> 0 !== value) throw this.outOfRange('uint32', value)
    this.int32(value | 0)
  }

  int64(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      throw this.outOfRange('int64', value)
    const at = this.reserve(8)
    this.buffer.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    if (typeof value !== 'number') throw this.invalid('a number', value)
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  /** 32 bits, seven at a time, least significant first. */
  unsignedVarint(value: number): void {
    if (typeof value !== 'number' || value >>> 0 !== value)
      throw this.outOfRange('unsigned varint', value)
    let at = this.reserve(5)
    const buffer = this.buffer
    while (value > 0x7f) {
      buffer[at++] = (value & 0x7f) | 0x80
      value >>>= 7
    }
    buffer[at++] = value
    this.position = at
  }

  /** Zig-zag: small magnitudes of either sign are short. */
  varint(value: number): void {
    if (typeof value !== 'number' || (value | 0) !== value) throw this.outOfRange('varint', value)
    this.unsignedVarint(((value << 1) ^ (value >> 31)) >>> 0)
  }

  /** 64 bits, zig-zag. */
  varlong(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value)
      throw this.outOfRange('varlong', value)
    this.unsignedVarlong(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
  }

  /** 64 bits, unsigned, seven at a time. */
  unsignedVarlong(value: bigint): void {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
      throw this.outOfRange('unsigned varlong', value)
    }
    let at = this.reserve(10)
    const buffer = this.buffer
    while (value > 0x7fn) {
      buffer[at++] = Number(value & 0x7fn) | 0x80
      value >>= 7n
    }
    buffer[at++] = Number(value)
    this.position = at
  }

  /** A UUID in Kafka's form: 22 characters of base64url. */
  uuid(value: string): void {
    if (typeof value !== 'string' || value.length !== 22) throw this.invalid(UUID_FORM, value)
    const at = this.reserve(16)
    if (this.buffer.write(value, at, 16, 'base64url') !== 16) throw this.invalid(UUID_FORM, value)
  }

  string(value: string): void {
    if (typeof value !== 'string') throw this.invalid('a string', value)
    const bytes = Buffer.byteLength(value)
    if (bytes > MAX_STRING_BYTES) throw this.tooLong(bytes, value)
    if (this.flexible) this.unsignedVarint(bytes + 1)
    else this.int16(bytes)
    this.text(value, bytes)
  }

  nullableString(value: string | null): void {
    if (value !== null) this.string(value)
    else if (this.flexible) this.unsignedVarint(0)
    else this.int16(-1)
  }

  /** A string whose length is an int16 in every version: the client id of a request header. */
  nonCompactNullableString(value: string | null): void {
    if (value === null) {
      this.int16(-1)
      return
    }
    if (typeof value !== 'string') throw this.invalid('a string or null', value)
    const bytes = Buffer.byteLength(value)
    if (bytes > MAX_STRING_BYTES) throw this.tooLong(bytes, value)
    this.int16(bytes)
    this.text(value, bytes)
  }

  bytes(value: Uint8Array): void {
    if (!isBytes(value)) throw this.invalid('a Buffer or Uint8Array', value)
    if (this.flexible) this.unsignedVarint(value.length + 1)
    else this.int32(value.length)
    this.raw(value)
  }

  nullableBytes(value: Uint8Array | null): void {
    if (value !== null) this.bytes(value)
    else if (this.flexible) this.unsignedVarint(0)
    else this.int32(-1)
  }

  /** Record batches as they are. Large ones are taken by reference: they must not change until sent. */
  records(value: Uint8Array | null): void {
    if (value === null || value === undefined || value.length < COPY_RECORDS_BELOW) {
      this.nullableBytes(value)
      return
    }
    if (!isBytes(value)) throw this.invalid('a Buffer or Uint8Array', value)
    if (this.flexible) this.unsignedVarint(value.length + 1)
    else this.int32(value.length)
    this.chunks ??= []
    const own = this.buffer.subarray(this.chunkStart, this.position)
    this.chunks.push(own, Buffer.from(value.buffer, value.byteOffset, value.length))
    this.chunkedBytes += own.length + value.length
    this.chunkStart = this.position
  }

  /** As `records`, for a field that may not be null. */
  requiredRecords(value: Uint8Array): void {
    if (value === null) throw this.invalid('a Buffer or Uint8Array', value)
    this.records(value)
  }

  /** Bytes without a length. */
  raw(value: Uint8Array): void {
    if (!isBytes(value)) throw this.invalid('a Buffer or Uint8Array', value)
    const at = this.reserve(value.length)
    this.buffer.set(value, at)
  }

  array<T>(items: readonly T[], encode: (w: Writer, item: T) => void): void {
    this.lengthOf(items)
    if (seen.any) for (const item of items) this.struct(item, encode)
    else for (let i = 0; i < items.length; i++) encode(this, items[i])
  }

  nullableArray<T>(items: readonly T[] | null, encode: (w: Writer, item: T) => void): void {
    if (items === null) this.arrayLength(-1)
    else this.array(items, encode)
  }

  int8Array(items: readonly number[]): void {
    this.lengthOf(items)
    for (let i = 0; i < items.length; i++) this.int8(items[i])
  }

  int32Array(items: readonly number[]): void {
    this.lengthOf(items)
    for (let i = 0; i < items.length; i++) this.int32(items[i])
  }

  nullableInt32Array(items: readonly number[] | null): void {
    if (items === null) this.arrayLength(-1)
    else this.int32Array(items)
  }

  int64Array(items: readonly bigint[]): void {
    this.lengthOf(items)
    for (let i = 0; i < items.length; i++) this.int64(items[i])
  }

  stringArray(items: readonly string[]): void {
    this.lengthOf(items)
    for (let i = 0; i < items.length; i++) this.string(items[i])
  }

  nullableStringArray(items: readonly string[] | null): void {
    if (items === null) this.arrayLength(-1)
    else this.stringArray(items)
  }

  uuidArray(items: readonly string[]): void {
    this.lengthOf(items)
    for (let i = 0; i < items.length; i++) this.uuid(items[i])
  }

  nullableUuidArray(items: readonly string[] | null): void {
    if (items === null) this.arrayLength(-1)
    else this.uuidArray(items)
  }

  /** A struct that is a field by itself. */
  struct<T>(value: T, encode: (w: Writer, value: T) => void): void {
    if (!seen.any || typeof value !== 'object' || value === null) {
      encode(this, value)
      return
    }
    const outer = this.kept
    const tags = unknownTags(value)
    this.kept = tags.length > 0 ? tags : null
    encode(this, value)
    this.kept = outer
  }

  /** A struct that may be null: one byte says which. */
  nullable<T>(value: T | null, encode: (w: Writer, value: T) => void): void {
    this.int8(value === null ? -1 : 1)
    if (value !== null) this.struct(value, encode)
  }

  /**
   * Ends a struct. In flexible versions the given tagged fields are written, by rising tag, and those
   * that were kept with the struct (`unknownTags`); in others nothing is. Every struct that has a tag
   * section ends with this call, in every version.
   */
  tags(...fields: (TaggedField | false)[]): void {
    if (!this.flexible) return
    if (this.kept !== null) {
      this.tagsWithKept(fields, this.kept)
      return
    }
    let count = 0
    for (const field of fields) if (field !== false) count++
    this.unsignedVarint(count)
    for (const field of fields) {
      if (field !== false) this.tag(field.tag, this.contentOf(field))
    }
  }

  private tagsWithKept(fields: (TaggedField | false)[], kept: readonly UnknownTag[]): void {
    const all: UnknownTag[] = []
    for (const field of fields) {
      if (field !== false) all.push({ tag: field.tag, data: this.contentOf(field) })
    }
    const known = new Set(all.map(({ tag }) => tag))
    for (const each of kept) if (!known.has(each.tag)) all.push(each)
    all.sort((a, b) => a.tag - b.tag)
    this.unsignedVarint(all.length)
    for (const { tag, data } of all) this.tag(tag, data)
  }

  private contentOf(field: TaggedField): Buffer {
    const content = new Writer({ name: this.api, flexibleFrom: 0 }, this.version, 64)
    field.encode(content)
    return content.finishToBuffer()
  }

  private tag(tag: number, content: Uint8Array): void {
    this.unsignedVarint(tag)
    this.unsignedVarint(content.length)
    this.raw(content)
  }

  private lengthOf(items: readonly unknown[]): void {
    if (!Array.isArray(items)) throw this.invalid('an array', items)
    this.arrayLength(items.length)
  }

  private arrayLength(length: number): void {
    if (this.flexible) this.unsignedVarint(length + 1)
    else this.int32(length)
  }

  private text(value: string, bytes: number): void {
    const at = this.reserve(bytes)
    if (bytes > 0) this.buffer.write(value, at, bytes, 'utf8')
  }

  private reserve(bytes: number): number {
    if (this.position + bytes > this.buffer.length) this.grow(bytes)
    const at = this.position
    this.position = at + bytes
    return at
  }

  /** Chunks already taken keep the old buffer; only what is still open moves. */
  private grow(bytes: number): void {
    const open = this.position - this.chunkStart
    const grown = Buffer.allocUnsafe(Math.max(open + bytes, open * 2, 256))
    this.buffer.copy(grown, 0, this.chunkStart, this.position)
    this.buffer = grown
    this.position = open
    this.chunkStart = 0
  }

  private invalid(expected: string, value: unknown): InvalidArgumentError {
    return invalidValue(`${this.api} v${this.version}: a value`, expected, value)
  }

  private outOfRange(type: IntegerType, value: unknown): InvalidArgumentError {
    return invalidInteger(`${this.api} v${this.version}: a value`, type, value)
  }

  private tooLong(bytes: number, value: string): InvalidArgumentError {
    return this.invalid(`a string of at most ${MAX_STRING_BYTES} bytes (it has ${bytes})`, value)
  }
}

// Half the time of `instanceof Uint8Array`.
function isBytes(value: Uint8Array): boolean {
  return ArrayBuffer.isView(value) && value.BYTES_PER_ELEMENT === 1
}
