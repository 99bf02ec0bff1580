// Reads one message in one version. Trusts nothing: each length is checked against what is left
// before anything is allocated. A read that cannot be served throws DecodeError with its position;
// decode-error-field.ts finds the field's name, so that no codec pays for naming what it reads.

import { DecodeError } from '../errors.ts'
import { setUnknownTags, type UnknownTag } from './unknown-tags.ts'
import type { MessageContext } from './writer.ts'

/** Where an array, and the element of it that cannot be read, start. */
export type FailedElement = Reader['failedElements'][number]

/** What codecs call. */
export type CodecReader = Omit<Reader, 'failedElements' | 'moveTo'>

/** A stack trace costs more than reading a small message. */
const undescribed = new DecodeError('a message that could not be read is read once more')

export class Reader {
  /** Version of the API that is read. */
  readonly version: number
  /** Whether that version uses compact lengths and tagged fields (KIP-482). */
  readonly flexible: boolean
  private readonly api: string
  private readonly buffer: Buffer
  private position: number
  private end: number
  private readonly skipsContent: boolean
  /** Elements of arrays in which reading failed, the innermost first. */
  readonly failedElements: { array: number; index: number; element: number }[] = []
  /** Tagged fields of the struct that was read last, until they are kept with it. */
  private pending: UnknownTag[] | null = null

  /**
   * `skipsContent`: strings and arrays of numbers are checked and passed over, and read as empty; the error
   * of a read that fails says nothing.
   */
  constructor(
    api: MessageContext,
    version: number,
    buffer: Buffer,
    start: number = 0,
    skipsContent: boolean = false,
  ) {
    this.api = api.name
    this.version = version
    this.flexible = version >= api.flexibleFrom
    this.buffer = buffer
    this.position = start
    this.skipsContent = skipsContent
    this.end = buffer.length
  }

  /** Index of the next byte to be read. */
  get offset(): number {
    return this.position
  }

  /** The next read starts at the byte with this index. */
  moveTo(position: number): void {
    this.position = position
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.end - this.position
  }

  bool(): boolean {
    return this.buffer[this.take(1, 'bool')] !== 0
  }

  int8(): number {
    return (this.buffer[this.take(1, 'int8')] << 24) >> 24
  }

  int16(): number {
    const at = this.take(2, 'int16')
    return (((this.buffer[at] << 8) | this.buffer[at + 1]) << 16) >> 16
  }

  uint16(): number {
    const at = this.take(2, 'uint16')
    return (this.buffer[at] << 8) | this.buffer[at + 1]
  }

  int32(): number {
    const at = this.take(4, 'int32')
    const buffer = this.buffer
    return (buffer[at] << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]
  }

  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): bigint {
    const at = this.take(8, 'int64')
    const high = this.buffer.readInt32BE(at)
    const low = this.buffer.readUInt32BE(at + 4)
    // Most are small or -1; `readBigInt64BE` makes several bigints of any.
    if (high === -1 && low === 0xffffffff) return -1n
    if (high >= 0 && high < 0x200000) return BigInt(high * 0x100000000 + low)
    return (BigInt(high) << 32n) | BigInt(low)
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8, 'float64'))
  }

  unsignedVarint(): number {
    const start = this.position
    if (start < this.end && this.buffer[start] < 0x80) {
      this.position = start + 1
      return this.buffer[start]
    }
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1, 'varint')]
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw this.error('a varint is longer than 32 bits', start)
  }

  varint(): number {
    const value = this.unsignedVarint()
    return (value >>> 1) ^ -(value & 1)
  }

  unsignedVarlong(): bigint {
    const start = this.position
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1, 'varlong')]
      if (shift === 63n && byte > 1) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw this.error('a varlong is longer than 64 bits', start)
  }

  varlong(): bigint {
    const value = this.unsignedVarlong()
    return (value >> 1n) ^ -(value & 1n)
  }

  /** A UUID in Kafka's form: 22 characters of base64url. */
  uuid(): string {
    const at = this.take(16, 'uuid')
    return this.buffer.toString('base64url', at, at + 16)
  }

  string(): string {
    const start = this.position
    const length = this.stringLength()
    if (length < 0) throw this.error('a string that may not be null is null', start)
    return this.text(length)
  }

  nullableString(): string | null {
    const length = this.stringLength()
    return length < 0 ? null : this.text(length)
  }

  /** A string whose length is an int16 in every version: the client id of a request header. */
  nonCompactNullableString(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.text(length)
  }

  /** A view on the message's own bytes, not a copy. */
  bytes(): Buffer {
    const start = this.position
    const length = this.bytesLength()
    if (length < 0) throw this.error('bytes that may not be null are null', start)
    return this.view(length)
  }

  nullableBytes(): Buffer | null {
    const length = this.bytesLength()
    return length < 0 ? null : this.view(length)
  }

  /** Record batches as they lie in the message: a view, not a copy. */
  records(): Buffer | null {
    return this.nullableBytes()
  }

  array<T>(decode: (r: Reader) => T): T[] {
    const start = this.position
    const items = this.nullableArray(decode)
    if (items === null) throw this.error('an array that may not be null is null', start)
    return items
  }

  nullableArray<T>(decode: (r: Reader) => T): T[] | null {
    const array = this.position
    const length = this.arrayLength(1)
    if (length < 0) return null
    const items: T[] = []
    let element = 0
    try {
      for (let i = 0; i < length; i++) {
        element = this.position
        const item = decode(this)
        items.push(this.pending === null ? item : this.keep(item))
      }
    } catch (error) {
      this.failedElements.push({ array, index: items.length, element })
      throw error
    }
    return items
  }

  int8Array(): number[] {
    const items: number[] = []
    for (let left = this.requiredLength(1); left > 0; left--) items.push(this.int8())
    return items
  }

  int32Array(): number[] {
    return this.int32s(this.requiredLength(4))
  }

  nullableInt32Array(): number[] | null {
    const length = this.arrayLength(4)
    return length < 0 ? null : this.int32s(length)
  }

  int64Array(): bigint[] {
    const items: bigint[] = []
    for (let left = this.requiredLength(8); left > 0; left--) items.push(this.int64())
    return items
  }

  stringArray(): string[] {
    const items: string[] = []
    for (let left = this.requiredLength(1); left > 0; left--) items.push(this.string())
    return items
  }

  nullableStringArray(): string[] | null {
    const length = this.arrayLength(1)
    if (length < 0) return null
    const items: string[] = []
    for (let i = 0; i < length; i++) items.push(this.string())
    return items
  }

  uuidArray(): string[] {
    const items: string[] = []
    for (let left = this.requiredLength(16); left > 0; left--) items.push(this.uuid())
    return items
  }

  nullableUuidArray(): string[] | null {
    const length = this.arrayLength(16)
    if (length < 0) return null
    const items: string[] = []
    for (let i = 0; i < length; i++) items.push(this.uuid())
    return items
  }

  /** A struct that is a field by itself. */
  struct<T>(decode: (r: Reader) => T): T {
    return this.keep(decode(this))
  }

  /**
   * Keeps the tagged fields that the struct's codec did not know with the struct (`unknownTags`). Structs
   * that are read by `struct`, `array` and `nullable` need no call.
   */
  keep<T>(struct: T): T {
    const { pending } = this
    if (pending === null) return struct
    this.pending = null
    return typeof struct === 'object' && struct !== null ? setUnknownTags(struct, pending) : struct
  }

  /** A struct that may be null: one byte says which. */
  nullable<T>(decode: (r: Reader) => T): T | null {
    return this.int8() < 0 ? null : this.struct(decode)
  }

  /** As `keep`, for headers: they are compared and logged more than copied. */
  keepHidden<T extends object>(header: T): T {
    const { pending } = this
    if (pending === null) return header
    this.pending = null
    return setUnknownTags(header, pending, false)
  }

  /**
   * Ends a struct. In flexible versions each tagged field is offered to `onTag`. A field of which that
   * reads nothing is kept as it is.
   */
  tags(onTag: (tag: number, r: Reader) => void = skip): void {
    this.tagsInto(undefined, onTag)
  }

  /** As `tags`, and hands on the struct to be filled: one function then serves all elements. */
  tagsInto<T>(struct: T, onTag: (tag: number, r: Reader, struct: T) => void): void {
    if (!this.flexible) return
    let unknown: UnknownTag[] | null = null
    for (let left = this.unsignedVarint(); left > 0; left--) {
      const tag = this.unsignedVarint()
      const start = this.position
      const size = this.unsignedVarint()
      if (size > this.remaining) {
        throw this.error(
          `tagged field ${tag} claims ${size} bytes, ${this.remaining} are left`,
          start,
        )
      }
      const end = this.end
      const content = this.position
      const next = content + size
      this.end = next
      onTag(tag, this, struct)
      if (this.position === content) {
        unknown ??= []
        // A copy: a view would hold on to the whole frame.
        unknown.push({ tag, data: Buffer.from(this.buffer.subarray(content, next)) })
      }
      this.end = end
      this.position = next
    }
    if (unknown !== null) this.pending = unknown
  }

  /** A DecodeError at `position` (default: here), naming the API and version. */
  error(problem: string, position: number = this.position): DecodeError {
    if (this.skipsContent) return undescribed
    return new DecodeError(`${this.api} v${this.version}: ${problem} (byte ${position})`, {
      api: this.api,
      version: this.version,
      position,
    })
  }

  private take(bytes: number, what: string): number {
    const at = this.position
    if (at + bytes > this.end) {
      throw this.error(`${what} needs ${bytes} bytes, ${this.end - at} are left`, at)
    }
    this.position = at + bytes
    return at
  }

  private int32s(length: number): number[] {
    const items: number[] = []
    if (this.skipsContent) this.take(length * 4, 'an array')
    else for (let i = 0; i < length; i++) items.push(this.int32())
    return items
  }

  private view(length: number): Buffer {
    const at = this.take(length, 'a byte field')
    return this.buffer.subarray(at, at + length)
  }

  private text(length: number): string {
    const at = this.take(length, 'a string')
    return length === 0 || this.skipsContent ? '' : this.buffer.toString('utf8', at, at + length)
  }

  private stringLength(): number {
    const start = this.position
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int16()
    if (length > 32767) throw this.error(`a string of ${length} bytes is longer than 32767`, start)
    return length
  }

  private bytesLength(): number {
    return this.flexible ? this.unsignedVarint() - 1 : this.int32()
  }

  private arrayLength(leastBytesPerElement: number): number {
    const start = this.position
    const length = this.flexible ? this.unsignedVarint() - 1 : this.int32()
    if (length * leastBytesPerElement > this.remaining) {
      throw this.error(
        `an array claims ${length} elements, ${this.remaining} bytes are left`,
        start,
      )
    }
    return length
  }

  private requiredLength(leastBytesPerElement: number): number {
    const start = this.position
    const length = this.arrayLength(leastBytesPerElement)
    if (length < 0) throw this.error('an array that may not be null is null', start)
    return length
  }
}

function skip(): void {}
