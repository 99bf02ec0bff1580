// The memory of records and its transfer to another thread. A value is a view on memory that other records
// lie on too. It is marked, so that a user's transfer leaves it where it is; ArrayBuffer.prototype.transfer()
// takes it all the same, and then what is read next says so.

import { DecodeError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'

/**
 * Marks the memory behind these bytes: transferred to a worker, it would take other records along. Node then
 * copies what is transferred, or refuses to; other runtimes may lack the function.
 */
export function keepFromTransfer(bytes: Buffer): void {
  const { buffer } = bytes
  const mark: unknown = Reflect.get(lazyNode.workerThreads, 'markAsUntransferable')
  if (buffer instanceof ArrayBuffer && typeof mark === 'function') mark(buffer)
}

/** @param what what cannot be read any more */
export function detachedError(what: string): DecodeError {
  return new DecodeError(
    `${what} cannot be read: the memory behind a value was transferred. Copy a value before you transfer it: Buffer.from(record.value). A new loop, or a seek() to the offset, reads the record again`,
    { api: 'Record' },
  )
}
