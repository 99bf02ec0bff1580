// Lists, in the format of Java's ListSerializer: entries of a fixed width without their lengths, behind
// the indexes of those that are null; other entries each behind its length, -1 for null.

import { describeValue, InvalidArgumentError } from '../errors.ts'
import type { DeserializeContext, RecordData, Serde } from '../types.ts'

/** Java's SerializationStrategy, by ordinal. */
const CONSTANT_SIZE = 0
const VARIABLE_SIZE = 1

/** Serdes whose entries Java writes without lengths, and how wide they are. */
const widths = new WeakMap<object, number>()

/** Notes that a serde always writes this many bytes. */
export function markFixedWidth<S extends object>(serde: S, width: number): S {
  widths.set(serde, width)
  return serde
}

/** Lists of what `inner` takes. A null list is a tombstone; entries may be null where `inner` reads null. */
export function listSerde<T>(inner: Serde<T>): Serde<T[] | null> {
  if (typeof inner?.serialize !== 'function' || typeof inner?.deserialize !== 'function') {
    throw new InvalidArgumentError(
      `serdes.list() takes the serde of an entry, such as serdes.string, got ${describeValue(inner)}`,
    )
  }
  const width = widths.get(inner) ?? null
  return {
    ...(inner.isSync && { isSync: true }),
    serialize: (list, context) => {
      if (list === null) return null
      if (!Array.isArray(list)) {
        throw new InvalidArgumentError(`expected an array, got ${describeValue(list)}`)
      }
      const entries = list.map((entry) => (entry === null ? null : inner.serialize(entry, context)))
      return entries.some((entry) => entry instanceof Promise)
        ? Promise.all(entries).then((settled) => write(settled, width))
        : write(entries as RecordData[], width)
    },
    deserialize: (bytes, context) => (bytes === null ? null : read(bytes, inner, width, context)),
  }
}

function write(entries: readonly RecordData[], width: number | null): Buffer {
  const parts: Buffer[] = [Buffer.of(width === null ? VARIABLE_SIZE : CONSTANT_SIZE)]
  if (width !== null) {
    const nulls = entries.flatMap((entry, index) => (entry === null ? index : []))
    parts.push(int32(nulls.length))
    for (const at of nulls) parts.push(int32(at))
  }
  parts.push(int32(entries.length))
  for (const entry of entries) {
    if (entry === null) {
      if (width === null) parts.push(int32(-1))
      continue
    }
    const bytes = Buffer.from(entry as Uint8Array)
    if (width === null) parts.push(int32(bytes.length))
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

function read<T>(
  bytes: Buffer,
  inner: Serde<T>,
  width: number | null,
  context: DeserializeContext,
): T[] | Promise<T[]> {
  const input = new ListReader(bytes)
  const strategy = input.bytes(1)[0]
  const expected = width === null ? VARIABLE_SIZE : CONSTANT_SIZE
  if (strategy !== expected) {
    throw new InvalidArgumentError(
      `expected a list of entries of ${width === null ? 'any' : 'a fixed'} length (${expected}), got ${strategy}`,
    )
  }
  const nulls = new Set<number>()
  if (width !== null) {
    for (let left = input.count(4); left > 0; left--) nulls.add(input.int32())
  }
  const count = input.count(width === null ? 4 : 0)
  // Only null entries of a fixed width take no bytes.
  if (width !== null && (count - nulls.size) * width > input.left) throw input.tooShort()
  const entries: (T | Promise<T>)[] = []
  for (let index = 0; index < count; index++) {
    const length = nulls.has(index) ? -1 : (width ?? input.int32())
    entries.push(inner.deserialize(length < 0 ? null : input.bytes(length), context))
  }
  if (input.left > 0) throw new InvalidArgumentError(`${input.left} bytes are left after the list`)
  return entries.some((entry) => entry instanceof Promise) ? Promise.all(entries) : (entries as T[])
}

class ListReader {
  private readonly buffer: Buffer
  private at = 0

  constructor(buffer: Buffer) {
    this.buffer = buffer
  }

  get left(): number {
    return this.buffer.length - this.at
  }

  int32(): number {
    return this.bytes(4).readInt32BE()
  }

  /** A count of things that take at least `least` bytes each. */
  count(least: number): number {
    const count = this.int32()
    if (count < 0 || count * least > this.left) throw this.tooShort()
    return count
  }

  bytes(length: number): Buffer {
    if (length > this.left) throw this.tooShort()
    const part = this.buffer.subarray(this.at, this.at + length)
    this.at += length
    return part
  }

  tooShort(): InvalidArgumentError {
    return new InvalidArgumentError(
      `the list is cut off, or a length in it is wrong: ${this.left} bytes are left`,
    )
  }
}
