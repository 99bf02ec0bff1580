// What snappy and lz4 have in common: both replace repeated bytes by copies of earlier output.

/** Copies bytes between buffers. For a few of them a loop costs less than a call. */
export function copyBytes(
  from: Buffer,
  start: number,
  to: Buffer,
  position: number,
  length: number,
): void {
  if (length > 32) from.copy(to, position, start, start + length)
  else for (let i = 0; i < length; i++) to[position + i] = from[start + i]
}

/** Appends `length` bytes that begin `offset` bytes before `position`. Both ranges may overlap. */
export function repeatBytes(out: Buffer, position: number, offset: number, length: number): void {
  if (length <= 32) {
    for (let i = 0; i < length; i++) out[position + i] = out[position + i - offset]
    return
  }
  // What is there repeats, so each round may copy everything that the rounds before it have made.
  let done = 0
  while (done < length) {
    const from = position - offset
    const part = Math.min(offset + done, length - done)
    out.copyWithin(position + done, from, from + part)
    done += part
  }
}

/** Length of the common prefix of the bytes at `a` and `b`, with `a` before `b` and `b` below `end`. */
export function matchLength(data: Buffer, a: number, b: number, end: number): number {
  let length = 0
  while (b + length < end && data[a + length] === data[b + length]) length++
  return length
}
