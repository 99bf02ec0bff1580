// TCP streams put together from packets: Ethernet, loopback, cooked and raw captures, IPv4 and IPv6.
// Bytes come out in the order of their sequence numbers, each once, whatever was sent again or arrived
// late. Bytes that the capture lacks are told as a gap.

import { addAll } from '../../collections/long-lists.ts'
import type { Packet } from './pcap.ts'

/** One TCP segment. */
export interface Segment {
  readonly time: number
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
  readonly sequence: number
  readonly isSyn: boolean
  readonly isAck: boolean
  /** FIN or RST. */
  readonly isEnd: boolean
  readonly payload: Buffer
}

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, qinq: 0x88a8 }
const TCP_PROTOCOL = 6

/** The TCP segment in a packet; null where there is none. */
export function tcpSegment({ time, linkType, bytes }: Packet): Segment | null {
  const ip = networkLayer(linkType, bytes)
  if (ip === null) return null
  const tcp = ip[0] >> 4 === 4 ? ipv4Payload(ip) : ipv6Payload(ip)
  if (tcp === null || tcp.payload.length < 20) return null
  const { payload: header, source, destination } = tcp
  const dataStart = (header[12] >> 4) * 4
  if (dataStart < 20 || dataStart > header.length) return null
  const flags = header[13]
  return {
    time,
    source,
    destination,
    sourcePort: header.readUInt16BE(0),
    destinationPort: header.readUInt16BE(2),
    sequence: header.readUInt32BE(4),
    isSyn: (flags & 0x02) !== 0,
    isAck: (flags & 0x10) !== 0,
    isEnd: (flags & 0x05) !== 0,
    payload: header.subarray(dataStart),
  }
}

/** The IP packet behind the header of the link layer. */
function networkLayer(linkType: number, bytes: Buffer): Buffer | null {
  switch (linkType) {
    case 0: // BSD loopback: the address family in the byte order of the host
    case 108:
      return bytes.subarray(4)
    case 1:
      return ethernet(bytes, 12)
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return bytes
    case 113: // Linux cooked capture
      return bytes.length < 16 ? null : ethernet(bytes, 14)
    case 276: // Linux cooked capture, version 2
      return bytes.length < 20 || !isIp(bytes.readUInt16BE(0)) ? null : bytes.subarray(20)
    default:
      return null
  }
}

function ethernet(bytes: Buffer, typeStart: number): Buffer | null {
  let at = typeStart
  while (at + 2 <= bytes.length) {
    const type = bytes.readUInt16BE(at)
    if (isIp(type)) return bytes.subarray(at + 2)
    if (type !== etherTypes.vlan && type !== etherTypes.qinq) return null
    at += 4
  }
  return null
}

function isIp(etherType: number): boolean {
  return etherType === etherTypes.ipv4 || etherType === etherTypes.ipv6
}

interface IpPayload {
  readonly source: string
  readonly destination: string
  readonly payload: Buffer
}

function ipv4Payload(ip: Buffer): IpPayload | null {
  const headerLength = (ip[0] & 0x0f) * 4
  if (ip.length < 20 || headerLength < 20 || ip[9] !== TCP_PROTOCOL) return null
  // Later fragments have no TCP header. Segments are rarely fragmented.
  if ((ip.readUInt16BE(6) & 0x1fff) !== 0) return null
  // 0: segmentation is left to the network card.
  const total = ip.readUInt16BE(2)
  const end = total === 0 ? ip.length : Math.min(total, ip.length)
  if (end < headerLength) return null
  return {
    source: ip.subarray(12, 16).join('.'),
    destination: ip.subarray(16, 20).join('.'),
    payload: ip.subarray(headerLength, end),
  }
}

const ipv6Extensions = new Set([0, 43, 60])

function ipv6Payload(ip: Buffer): IpPayload | null {
  if (ip.length < 40 || ip[0] >> 4 !== 6) return null
  const length = ip.readUInt16BE(4)
  const end = length === 0 ? ip.length : Math.min(40 + length, ip.length)
  let protocol = ip[6]
  let at = 40
  while (ipv6Extensions.has(protocol) && at + 2 <= end) {
    protocol = ip[at]
    at += (ip[at + 1] + 1) * 8
  }
  if (protocol !== TCP_PROTOCOL || at > end) return null
  return {
    source: ipv6Text(ip, 8),
    destination: ipv6Text(ip, 24),
    payload: ip.subarray(at, end),
  }
}

function ipv6Text(ip: Buffer, start: number): string {
  const groups: string[] = []
  for (let at = start; at < start + 16; at += 2) groups.push(ip.readUInt16BE(at).toString(16))
  return `[${groups.join(':').replace(/(^|:)(0(:|$)){2,}/, '::')}]`
}

/** What a direction of a stream gives next. */
export type StreamEvent =
  | {
      readonly type: 'bytes'
      readonly time: number
      readonly bytes: Buffer
      readonly starts: boolean
    }
  | { readonly type: 'gap'; readonly time: number; readonly bytes: number }

/** The most bytes that wait for earlier ones, before those count as not captured. */
const MAX_WAITING = 8 * 1024 * 1024
/** The most segments that do: networks reorder a few, and each new one is compared with all of them. */
const MAX_WAITING_SEGMENTS = 1024

/** One direction of a connection: segments in, bytes in order out. */
export class TcpStream {
  /** The sequence number of the byte that comes next. */
  private next: number | null = null
  private waiting: Segment[] = []
  private waitingBytes = 0
  /** Whether its first bytes are those that followed the SYN. */
  hasStart = false

  push(segment: Segment): StreamEvent[] {
    if (segment.isSyn) {
      this.next = (segment.sequence + 1) >>> 0
      this.hasStart = true
      this.waiting = []
      this.waitingBytes = 0
    }
    if (segment.payload.length === 0) return []
    this.next ??= segment.sequence
    this.waiting.push(segment)
    this.waitingBytes += segment.payload.length
    const events = this.drain()
    while (this.isWaitingTooLong()) addAll(events, this.skipGap(segment.time))
    return events
  }

  /** Nothing more comes: what waits for bytes that were not captured is given behind a gap. */
  end(time: number): StreamEvent[] {
    const events: StreamEvent[] = []
    while (this.waiting.length > 0) addAll(events, this.skipGap(time))
    return events
  }

  private isWaitingTooLong(): boolean {
    return this.waitingBytes > MAX_WAITING || this.waiting.length > MAX_WAITING_SEGMENTS
  }

  private drain(): StreamEvent[] {
    const events: StreamEvent[] = []
    let found = true
    while (found) {
      found = false
      for (const segment of this.waiting) {
        const skipped = distance(segment.sequence, this.next ?? 0)
        if (skipped < 0) continue
        found = true
        this.remove(segment)
        const bytes = segment.payload.subarray(skipped)
        if (bytes.length > 0) {
          this.next = ((this.next ?? 0) + bytes.length) >>> 0
          events.push({ type: 'bytes', time: segment.time, bytes, starts: skipped === 0 })
        }
        break
      }
    }
    return events
  }

  private skipGap(time: number): StreamEvent[] {
    let [first] = this.waiting
    for (const segment of this.waiting) {
      if (distance(segment.sequence, first.sequence) > 0) first = segment
    }
    const bytes = -distance(first.sequence, this.next ?? first.sequence)
    this.next = first.sequence
    return [{ type: 'gap', time, bytes }, ...this.drain()]
  }

  private remove(segment: Segment): void {
    this.waiting.splice(this.waiting.indexOf(segment), 1)
    this.waitingBytes -= segment.payload.length
  }
}

/** How far `to` is behind `from`, in a space of 2^32 that wraps. */
function distance(from: number, to: number): number {
  return (to - from) | 0
}
