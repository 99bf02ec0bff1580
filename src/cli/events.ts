// The records that `roundtrip` writes when no input is given: JSON events, each a function of its number
// alone, so that a reader can make them again and compare byte by byte.

const SMALLEST_EVENT = 80
const ID_DIGITS = 12
const VARIANTS = 1000
const kinds = ['page_view', 'add_to_cart', 'checkout', 'payment', 'refund', 'login', 'search']

/** Makes event number `i`, of exactly `size` bytes. */
export type EventSource = (i: number) => Buffer

/**
 * @param size bytes of each event; below 80 there is no room for JSON, and the event is its number in digits
 */
export function eventSource(size: number): EventSource {
  if (size < SMALLEST_EVENT) {
    return (i) => Buffer.from(String(i).padStart(size, '0').slice(-size))
  }
  const pool = Array.from({ length: poolSize(VARIANTS, size) }, (_, variant) =>
    template(variant, size),
  )
  const idAt = pool[0].indexOf('000000000000')
  return (i) => {
    const event = Buffer.from(pool[i % pool.length])
    let rest = i
    for (let digit = ID_DIGITS - 1; digit >= 0; digit--) {
      event[idAt + digit] = 48 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
    return event
  }
}

/** How many different values of `size` bytes are kept to choose from: `most`, or what 16 MiB hold. */
export function poolSize(most: number, size: number): number {
  return Math.max(1, Math.min(most, Math.floor((16 * 1024 * 1024) / size)))
}

/** An event without its number: the same text for the same variant, about as repetitive as real logs. */
function template(variant: number, size: number): Buffer {
  let seed = (variant + 1) * 2654435761
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return (seed >>> 8) % below
  }
  const head = `{"id":"000000000000","type":"${kinds[random(kinds.length)]}","user":"u${random(10000)}","note":"`
  let note = ''
  while (note.length < size) note += `${random(100000)} `
  return Buffer.from(`${head}${note.slice(0, size - head.length - 2)}"}`)
}
