// Keys of headers. The same few come with every record, and finding one costs a third of making it from
// its bytes. What is kept is bounded: one short key of ASCII for each slot, the newest.

const slots: string[] = new Array(256).fill('')
const LONGEST = 64

/** The key in bytes `start` to `end`, which are UTF-8. */
export function headerKey(buffer: Buffer, start: number, end: number): string {
  const length = end - start
  if (length === 0) return ''
  const slot = (length * 31 + buffer[start] * 7 + buffer[end - 1]) & 255
  const known = slots[slot]
  if (known.length === length && isSame(known, buffer, start)) return known
  const key = buffer.toString('utf8', start, end)
  if (length <= LONGEST && isSame(key, buffer, start)) slots[slot] = key
  return key
}

/** Whether each byte is one character, and this one: never so for what is not ASCII. */
function isSame(text: string, buffer: Buffer, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = buffer[start + i]
    if (byte > 127 || text.charCodeAt(i) !== byte) return false
  }
  return true
}
