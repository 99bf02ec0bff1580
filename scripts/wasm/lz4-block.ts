// The blocks of lz4 frames, compiled to WebAssembly.

/** Hash table of `compress`: positions of 16 bits. */
const hashBits: u32 = 13
const table: usize = memory.data(16384, 16)

/** For each offset below 16: which of the bytes before a match make each of the next 16. */
const patterns: usize = memory.data(256, 16)

const minMatch: usize = 4
/** The format ends every block with five literals, and starts no match in its last twelve bytes. */
const lastLiterals: usize = 5
const searchMargin: usize = 12

export function prepare(): void {
  for (let offset: usize = 1; offset < 16; offset++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(patterns + offset * 16 + i, <u8>(i % offset))
  }
}

/** Copies at least one byte, and up to 15 bytes more than asked for. */
function copy16(to: usize, from: usize, end: usize): void {
  do {
    v128.store(to, v128.load(from))
    to += 16
    from += 16
  } while (to < end)
}

export function decompress(
  source: usize,
  sourceEnd: usize,
  out: usize,
  outEnd: usize,
  start: usize,
): usize {
  let from = source
  let to = out
  while (from < sourceEnd) {
    const token = <usize>load<u8>(from++)
    let length = token >> 4
    if (length === 15) {
      let byte: usize = 0
      do {
        if (from >= sourceEnd) return 0
        byte = <usize>load<u8>(from++)
        length += byte
      } while (byte === 255)
    }
    if (length > sourceEnd - from || length > outEnd - to) return 0
    v128.store(to, v128.load(from))
    if (length > 16) copy16(to + 16, from + 16, to + length)
    from += length
    to += length
    if (from === sourceEnd) return to
    if (sourceEnd - from < 2) return 0
    const offset = <usize>load<u16>(from)
    from += 2
    if (offset === 0 || offset > to - start) return 0
    length = (token & 15) + minMatch
    if (length === 15 + minMatch) {
      let byte: usize = 0
      do {
        if (from >= sourceEnd) return 0
        byte = <usize>load<u8>(from++)
        length += byte
      } while (byte === 255)
    }
    if (length > outEnd - to) return 0
    const end = to + length
    const match = to - offset
    if (offset >= 16) {
      v128.store(to, v128.load(match))
      if (length > 16) copy16(to + 16, match + 16, end)
    } else {
      const step = 16 - (<usize>16 % offset)
      const repeated = v128.swizzle(v128.load(match), v128.load(patterns + offset * 16))
      do {
        v128.store(to, repeated)
        to += step
      } while (to < end)
    }
    to = end
  }
  return 0
}

function slot(at: usize): usize {
  return table + <usize>((load<u32>(at) * 2654435761) >> (32 - hashBits)) * 2
}

function commonLength(a: usize, b: usize, limit: usize): usize {
  const start = a
  while (a + 8 <= limit) {
    const difference = load<u64>(a) ^ load<u64>(b)
    if (difference !== 0) return a - start + <usize>(ctz(difference) >> 3)
    a += 8
    b += 8
  }
  while (a < limit && load<u8>(a) === load<u8>(b)) {
    a++
    b++
  }
  return a - start
}

function writeLength(to: usize, rest: usize): usize {
  while (rest >= 255) {
    store<u8>(to++, 255)
    rest -= 255
  }
  store<u8>(to++, <u8>rest)
  return to
}

/** Compresses at most 64 KiB. Returns the end of what it wrote; 0: not below `outEnd`. */
export function compress(source: usize, sourceEnd: usize, out: usize, outEnd: usize): usize {
  let anchor = source
  let to = out
  if (sourceEnd - source > searchMargin) {
    memory.fill(table, 0, 16384)
    const matchLimit = sourceEnd - lastLiterals
    const searchEnd = sourceEnd - searchMargin
    let at = source + 1
    let nextSlot = slot(at)
    let isSearching = true
    while (isSearching) {
      let match: usize = 0
      let next = at
      let step: usize = 1
      let tries: usize = 1 << 6
      do {
        const here = nextSlot
        at = next
        next += step
        step = tries++ >> 6
        if (next > searchEnd) {
          isSearching = false
          break
        }
        match = source + <usize>load<u16>(here)
        nextSlot = slot(next)
        store<u16>(here, <u16>(at - source))
      } while (load<u32>(match) !== load<u32>(at))
      if (!isSearching) break
      while (at > anchor && match > source && load<u8>(at - 1) === load<u8>(match - 1)) {
        at--
        match--
      }
      const literals = at - anchor
      if (to + literals + literals / 255 + 16 > outEnd) return 0
      let token = to++
      let marks: usize = 0
      if (literals >= 15) {
        marks = 0xf0
        to = writeLength(to, literals - 15)
      } else marks = literals << 4
      v128.store(to, v128.load(anchor))
      if (literals > 16) copy16(to + 16, anchor + 16, to + literals)
      to += literals
      while (true) {
        store<u16>(to, <u16>(at - match))
        to += 2
        const length = commonLength(at + minMatch, match + minMatch, matchLimit)
        at += length + minMatch
        if (to + length / 255 + 16 > outEnd) return 0
        if (length >= 15) {
          store<u8>(token, <u8>(marks | 15))
          to = writeLength(to, length - 15)
        } else store<u8>(token, <u8>(marks | length))
        anchor = at
        if (at > searchEnd) {
          isSearching = false
          break
        }
        store<u16>(slot(at - 2), <u16>(at - 2 - source))
        const here = slot(at)
        match = source + <usize>load<u16>(here)
        store<u16>(here, <u16>(at - source))
        if (load<u32>(match) !== load<u32>(at)) break
        token = to++
        marks = 0
      }
      at++
      nextSlot = slot(at)
    }
  }
  const literals = sourceEnd - anchor
  if (to + literals + literals / 255 + 16 > outEnd) return 0
  if (literals >= 15) {
    store<u8>(to++, 0xf0)
    to = writeLength(to, literals - 15)
  } else store<u8>(to++, <u8>(literals << 4))
  memory.copy(to, anchor, literals)
  return to + literals
}

/** xxHash32 with seed 0. */
export function hash(start: usize, end: usize): u32 {
  const prime1: u32 = 0x9e3779b1
  const prime2: u32 = 0x85ebca77
  const prime3: u32 = 0xc2b2ae3d
  const prime4: u32 = 0x27d4eb2f
  const prime5: u32 = 0x165667b1
  let at = start
  let sum: u32 = prime5
  if (end - start >= 16) {
    let a: u32 = prime1 + prime2
    let b: u32 = prime2
    let c: u32 = 0
    let d: u32 = 0 - prime1
    for (; at + 16 <= end; at += 16) {
      a = rotl<u32>(a + load<u32>(at) * prime2, 13) * prime1
      b = rotl<u32>(b + load<u32>(at, 4) * prime2, 13) * prime1
      c = rotl<u32>(c + load<u32>(at, 8) * prime2, 13) * prime1
      d = rotl<u32>(d + load<u32>(at, 12) * prime2, 13) * prime1
    }
    sum = rotl<u32>(a, 1) + rotl<u32>(b, 7) + rotl<u32>(c, 12) + rotl<u32>(d, 18)
  }
  sum += <u32>(end - start)
  for (; at + 4 <= end; at += 4) sum = rotl<u32>(sum + load<u32>(at) * prime3, 17) * prime4
  for (; at < end; at++) sum = rotl<u32>(sum + <u32>load<u8>(at) * prime5, 11) * prime1
  sum = (sum ^ (sum >> 15)) * prime2
  sum = (sum ^ (sum >> 13)) * prime3
  return sum ^ (sum >> 16)
}
