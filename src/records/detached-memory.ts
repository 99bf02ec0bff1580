// What is said when the memory of fetched records is gone. A value is a view on it, and a user may have
// transferred it to another thread, or detached it by ArrayBuffer.prototype.transfer().

import { DecodeError } from '../errors.ts'

/** @param what what cannot be read any more */
export function detachedError(what: string): DecodeError {
  return new DecodeError(
    `${what} cannot be read: the memory behind a value was transferred. Copy a value before you transfer it: Buffer.from(record.value). A new loop, or a seek() to the offset, reads the record again`,
    { api: 'Record' },
  )
}
