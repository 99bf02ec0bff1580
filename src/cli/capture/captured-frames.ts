// The frames in a capture: packets, put together to streams, followed as conversations. A stream whose
// beginning was not captured, or that has a gap, is taken up where a segment begins with a frame.

import { DecodeError } from '../../errors.ts'
import { Conversation, type Exchange } from '../../protocol/conversation.ts'
import { identifyRequest } from '../../protocol/frame.ts'
import { readPackets } from './pcap.ts'
import { type Segment, type StreamEvent, TcpStream, tcpSegment } from './tcp.ts'

/** A frame with the connection it was captured on. */
export interface CapturedFrame {
  readonly time: number
  readonly client: string
  readonly server: string
  readonly frame: Exchange | { readonly type: 'gap'; readonly from: Side; readonly bytes: number }
}

type Side = 'client' | 'server'

const MAX_FRAME_BYTES = 100 * 1024 * 1024

/**
 * The frames of all connections of a capture, in the order in which they were whole.
 * @param ports the ports of brokers; connections to other ports are left out. Empty: all
 */
export function* capturedFrames(
  content: Buffer,
  ports: readonly number[] = [],
): Generator<CapturedFrame> {
  const connections = new Map<string, Connection>()
  let time = 0
  for (const packet of readPackets(content)) {
    const segment = tcpSegment(packet)
    if (segment === null) continue
    time = segment.time
    const { sourcePort, destinationPort } = segment
    if (ports.length > 0 && !ports.includes(sourcePort) && !ports.includes(destinationPort)) {
      continue
    }
    const key = connectionKey(segment)
    let connection = connections.get(key)
    // A new connection between the same ports.
    if (connection === undefined || (segment.isSyn && !segment.isAck && connection.hasBytes)) {
      if (connection !== undefined) yield* connection.end(time)
      connection = new Connection(segment, ports)
      connections.set(key, connection)
    }
    yield* connection.push(segment)
  }
  for (const connection of connections.values()) yield* connection.end(time)
}

function connectionKey(segment: Segment): string {
  return [sourceOf(segment), destinationOf(segment)].sort().join(' ')
}

function sourceOf({ source, sourcePort }: Segment): string {
  return `${source}:${sourcePort}`
}

function destinationOf({ destination, destinationPort }: Segment): string {
  return `${destination}:${destinationPort}`
}

/** Whether the one who sent a segment is the client of its connection. */
function isFromClient(segment: Segment, ports: readonly number[]): boolean {
  if (segment.isSyn) return !segment.isAck
  const { sourcePort, destinationPort } = segment
  if (ports.includes(destinationPort) !== ports.includes(sourcePort)) {
    return ports.includes(destinationPort)
  }
  // Ports that systems give to clients are high.
  return sourcePort > destinationPort
}

class Connection {
  readonly client: string
  readonly server: string
  hasBytes = false
  private readonly talk = new Conversation({ maxFrameBytes: MAX_FRAME_BYTES })
  private readonly streams = { client: new TcpStream(), server: new TcpStream() }
  /** Whether the next byte of this side is known to be within the frames that are followed. */
  private readonly isInStep = { client: false, server: false }

  constructor(first: Segment, ports: readonly number[]) {
    const fromClient = isFromClient(first, ports)
    this.client = fromClient ? sourceOf(first) : destinationOf(first)
    this.server = fromClient ? destinationOf(first) : sourceOf(first)
  }

  *push(segment: Segment): Generator<CapturedFrame> {
    const side = sourceOf(segment) === this.client ? 'client' : 'server'
    if (segment.isSyn) this.isInStep[side] = true
    if (segment.payload.length > 0) this.hasBytes = true
    yield* this.events(side, this.streams[side].push(segment))
  }

  *end(time: number): Generator<CapturedFrame> {
    for (const side of ['client', 'server'] as const) {
      yield* this.events(side, this.streams[side].end(time))
    }
  }

  private *events(side: Side, events: readonly StreamEvent[]): Generator<CapturedFrame> {
    for (const event of events) {
      if (event.type === 'gap') {
        this.isInStep[side] = false
        this.talk.dropIncomplete(side)
        yield this.captured(event.time, { type: 'gap', from: side, bytes: event.bytes })
        continue
      }
      if (!this.isInStep[side] && !this.beginsFrame(side, event)) continue
      this.isInStep[side] = true
      for (const frame of this.frames(side, event.bytes)) yield this.captured(event.time, frame)
    }
  }

  private frames(side: Side, bytes: Buffer): Exchange[] {
    try {
      return side === 'client' ? this.talk.fromClient(bytes) : this.talk.fromServer(bytes)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.isInStep[side] = false
      this.talk.dropIncomplete(side)
      return [{ type: 'unreadable', error, from: side, raw: bytes }]
    }
  }

  private beginsFrame(side: Side, { bytes, starts }: StreamEvent & { type: 'bytes' }): boolean {
    if (!starts || bytes.length < 8) return false
    const size = bytes.readInt32BE(0)
    if (size < 4 || size > MAX_FRAME_BYTES) return false
    return side === 'client'
      ? !(identifyRequest(bytes) instanceof DecodeError)
      : this.talk.isInFlight(bytes.readInt32BE(4))
  }

  private captured(time: number, frame: CapturedFrame['frame']): CapturedFrame {
    return { time, client: this.client, server: this.server, frame }
  }
}
