// Asks one broker for Metadata v4 with a frame made by hand: the harness must not rely on the client
// that it tests. Version 4 is the one that every broker from 1.0 to 4.x answers and that does not
// create topics.

import { connect, type Socket } from 'node:net'

export interface Address {
  host: string
  port: number
}

export interface PartitionView {
  partition: number
  errorCode: number
  /** -1 when there is none. */
  leader: number
  replicas: number[]
  isr: number[]
}

/** The cluster as one broker sees it. */
export interface ClusterView {
  brokers: (Address & { nodeId: number })[]
  /** Topics that were asked for and exist. */
  topics: Map<string, PartitionView[]>
}

/** The view of the broker at this address; rejects when it does not answer within `timeoutMs`. */
export async function askMetadata(
  address: Address,
  topics: readonly string[] = [],
  timeoutMs = 1000,
): Promise<ClusterView> {
  const socket = connect(address)
  const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), timeoutMs)
  try {
    socket.write(metadataRequest(topics))
    return decodeMetadata(await readFrame(socket))
  } catch (cause) {
    throw new Error(`no metadata from ${address.host}:${address.port}`, { cause })
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function metadataRequest(topics: readonly string[]): Buffer {
  const names = topics.map((topic) => {
    const bytes = Buffer.from(topic)
    return Buffer.concat([int16(bytes.length), bytes])
  })
  const correlationId = int32(1)
  const noClientId = int16(-1)
  const noAutoCreation = Buffer.from([0])
  const body = [int16(3), int16(4), correlationId, noClientId, int32(names.length), ...names]
  const frame = Buffer.concat([...body, noAutoCreation])
  return Buffer.concat([int32(frame.length), frame])
}

async function readFrame(socket: Socket): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) return bytes.subarray(4)
  }
  throw new Error('the broker closed the connection')
}

function decodeMetadata(frame: Buffer): ClusterView {
  let at = 8 // after the correlation id and the throttle time
  const skip = (size: number): number => {
    at += size
    return at - size
  }
  const readInt16 = (): number => frame.readInt16BE(skip(2))
  const readInt32 = (): number => frame.readInt32BE(skip(4))
  const readString = (): string => {
    const length = Math.max(0, readInt16()) // -1 is null
    const start = skip(length)
    return frame.toString('utf8', start, start + length)
  }
  const readArray = <T>(element: () => T): T[] => Array.from({ length: readInt32() }, element)

  const brokers = readArray(() => {
    const broker = { nodeId: readInt32(), host: readString(), port: readInt32() }
    readString() // rack
    return broker
  })
  readString() // cluster id
  readInt32() // controller id
  const topics = new Map<string, PartitionView[]>()
  readArray(() => {
    const errorCode = readInt16()
    const name = readString()
    skip(1) // internal or not
    const partitions = readArray(() => ({
      errorCode: readInt16(),
      partition: readInt32(),
      leader: readInt32(),
      replicas: readArray(readInt32),
      isr: readArray(readInt32),
    }))
    if (errorCode === 0)
      topics.set(
        name,
        partitions.sort((a, b) => a.partition - b.partition),
      )
  })
  return { brokers, topics }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
