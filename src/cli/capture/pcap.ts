// Packets of a capture file, as tcpdump and Wireshark write them: pcap and pcapng, either byte order.

import { DecodeError } from '../../errors.ts'

/** One packet as it was captured. */
export interface Packet {
  /** ms since 1970, with fractions. */
  readonly time: number
  /** What the bytes begin with (LINKTYPE_ numbers of the pcap registry). */
  readonly linkType: number
  readonly bytes: Buffer
}

const pcapMagics: Record<number, { littleEndian: boolean; unitsPerMs: number }> = {
  2712847316: { littleEndian: false, unitsPerMs: 1000 },
  3569595041: { littleEndian: true, unitsPerMs: 1000 },
  2712812621: { littleEndian: false, unitsPerMs: 1_000_000 },
  1295823521: { littleEndian: true, unitsPerMs: 1_000_000 },
}
const SECTION_HEADER = 0x0a0d0d0a

/** Whether a file begins as a capture does. */
export function isCapture(content: Buffer): boolean {
  if (content.length < 24) return false
  const magic = content.readUInt32BE(0)
  return magic in pcapMagics || magic === SECTION_HEADER
}

/** The packets of a capture. One that is cut off at the end of the file is left out. */
export function* readPackets(content: Buffer): Generator<Packet> {
  if (!isCapture(content)) throw invalid('it does not begin as a pcap or pcapng file', 0, 'magic')
  if (content.readUInt32BE(0) === SECTION_HEADER) yield* readPcapng(content)
  else yield* readPcap(content)
}

function* readPcap(content: Buffer): Generator<Packet> {
  const { littleEndian, unitsPerMs } = pcapMagics[content.readUInt32BE(0)]
  const uint32 = reader(content, littleEndian)
  const linkType = uint32(20) & 0xffff
  let at = 24
  while (at + 16 <= content.length) {
    const captured = uint32(at + 8)
    const end = at + 16 + captured
    if (end > content.length) return
    const time = uint32(at) * 1000 + uint32(at + 4) / unitsPerMs
    yield { time, linkType, bytes: content.subarray(at + 16, end) }
    at = end
  }
}

interface Interface {
  readonly linkType: number
  readonly unitsPerMs: number
}

const blocks = { interfaceDescription: 1, simplePacket: 3, enhancedPacket: 6 }

function* readPcapng(content: Buffer): Generator<Packet> {
  let interfaces: Interface[] = []
  let littleEndian = false
  let uint32 = reader(content, littleEndian)
  let at = 0
  while (at + 12 <= content.length) {
    const isSection = content.readUInt32BE(at) === SECTION_HEADER
    if (isSection) {
      littleEndian = content.readUInt32LE(at + 8) === 0x1a2b3c4d
      uint32 = reader(content, littleEndian)
      interfaces = []
    }
    const type = isSection ? SECTION_HEADER : uint32(at)
    const length = uint32(at + 4)
    if (length < 12 || length % 4 !== 0)
      throw invalid(`a block of ${length} bytes`, at + 4, 'block length')
    if (at + length > content.length) return
    const body = content.subarray(at + 8, at + length - 4)
    if (type === blocks.interfaceDescription && body.length >= 8) {
      interfaces.push(describeInterface(body, littleEndian))
    } else if (type === blocks.enhancedPacket && body.length >= 20) {
      const packet = enhancedPacket(body, littleEndian, interfaces)
      if (packet !== null) yield packet
    } else if (type === blocks.simplePacket && body.length >= 4 && interfaces.length > 0) {
      const bytes = body.subarray(4, 4 + Math.min(reader(body, littleEndian)(0), body.length - 4))
      yield { time: 0, linkType: interfaces[0].linkType, bytes }
    }
    at += length
  }
}

function describeInterface(body: Buffer, littleEndian: boolean): Interface {
  const uint16 = (at: number): number =>
    littleEndian ? body.readUInt16LE(at) : body.readUInt16BE(at)
  let unitsPerMs = 1000
  for (let at = 8; at + 4 <= body.length; ) {
    const code = uint16(at)
    const length = uint16(at + 2)
    // if_tsresol: a power of ten, or of two when the highest bit is set.
    if (code === 9 && length === 1 && at + 5 <= body.length) {
      const value = body[at + 4]
      unitsPerMs = (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value) / 1000
    }
    if (code === 0) break
    at += 4 + Math.ceil(length / 4) * 4
  }
  return { linkType: uint16(0), unitsPerMs }
}

function enhancedPacket(
  body: Buffer,
  littleEndian: boolean,
  interfaces: readonly Interface[],
): Packet | null {
  const uint32 = reader(body, littleEndian)
  const described = interfaces[uint32(0)]
  const captured = uint32(12)
  if (described === undefined || 20 + captured > body.length) return null
  const time = (uint32(4) * 2 ** 32 + uint32(8)) / described.unitsPerMs
  return { time, linkType: described.linkType, bytes: body.subarray(20, 20 + captured) }
}

function reader(buffer: Buffer, littleEndian: boolean): (at: number) => number {
  return littleEndian ? (at) => buffer.readUInt32LE(at) : (at) => buffer.readUInt32BE(at)
}

function invalid(reason: string, position: number, field: string): DecodeError {
  return new DecodeError(`not a capture: ${reason} (byte ${position}) in its ${field}`, {
    api: 'pcap',
    position,
    field,
  })
}
