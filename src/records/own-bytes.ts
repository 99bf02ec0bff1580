// Copies of what a caller, or a serializer, may change once a call has returned: of records that wait.

/** A copy of bytes, which the caller cannot change. Anything else stays as it is, for the checks to refuse. */
export function ownBytes<T>(bytes: T): T | Buffer {
  if (!ArrayBuffer.isView(bytes) || Reflect.get(bytes, 'BYTES_PER_ELEMENT') !== 1) return bytes
  const { buffer, byteOffset, byteLength } = bytes
  // An empty view may be that of memory which was transferred: the copy would not tell.
  return byteLength === 0 ? bytes : Buffer.from(new Uint8Array(buffer, byteOffset, byteLength))
}
