// The class behind Buffer. `subarray` asks the buffer for its memory and for its place in it before it
// calls this; who makes two views a record asks once a batch.

import { keepFromTransfer } from './detached-memory.ts'

/** Makes a Buffer over a part of some memory, without a copy. */
export const BufferView: new (memory: ArrayBufferLike, start: number, length: number) => Buffer =
  Reflect.get(Buffer, Symbol.species)

/**
 * A copy of records on separate memory: not in Node's pool, where it would hold what it shares that with. A
 * user's transfer leaves it where it is.
 */
export function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  keepFromTransfer(copy)
  return copy
}
