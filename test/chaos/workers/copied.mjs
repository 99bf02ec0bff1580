// The output of the copy job for one record of its input: who copied it, in which transaction, and the
// input as it was. A life is one process of one copier; its transactions are numbered from 1 on.

/** Bytes 0-3 life, 4-7 transaction, then the value that was copied. */
export function copyOf(life, transaction, value) {
  const copy = Buffer.allocUnsafe(8 + value.length)
  copy.writeUInt32BE(life, 0)
  copy.writeUInt32BE(transaction, 4)
  value.copy(copy, 8)
  return copy
}

/** Null when it is no copy. */
export function readCopy(value) {
  if (value === null || value.length < 8) return null
  return {
    life: value.readUInt32BE(0),
    transaction: value.readUInt32BE(4),
    value: value.subarray(8),
  }
}
