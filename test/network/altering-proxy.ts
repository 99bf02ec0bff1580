// A proxy in front of one broker that hands each response to a test, which may change it.

import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'

export interface AlteringProxy {
  readonly address: { host: string; port: number }
  close(): void
}

/** Calls `onFrame` for each whole frame of a stream, without its length. */
function readFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data])
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      onFrame(rest.subarray(4, end))
      rest = rest.subarray(end)
    }
  })
}

function writeFrame(socket: Socket, frame: Buffer): void {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  socket.write(Buffer.concat([length, frame]))
}

/** @param alter gets the key of the API and the response from its correlation id on */
export async function alteringProxy(
  broker: string,
  alter: (apiKey: number, response: Buffer) => Buffer,
): Promise<AlteringProxy> {
  const [host, port] = broker.split(':')
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connectTcp(Number(port), host)
    const asked = new Map<number, number>()
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      const end = (): void => {
        client.destroy()
        upstream.destroy()
      }
      socket.on('error', end).on('close', end)
    }
    readFrames(client, (frame) => {
      asked.set(frame.readInt32BE(4), frame.readInt16BE(0))
      writeFrame(upstream, frame)
    })
    readFrames(upstream, (frame) => {
      writeFrame(client, alter(asked.get(frame.readInt32BE(0)) ?? -1, frame))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  const address = { host: '127.0.0.1', port: typeof bound === 'object' ? (bound?.port ?? 0) : 0 }
  return {
    address,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A client whose connections lead through such a proxy: the first `times` responses to one API are altered. */
export async function behindAlteringProxy(
  { bootstrapServers }: { bootstrapServers: string },
  apiKey: number,
  times: number,
  alter: (frame: Buffer) => Buffer,
): Promise<{ kafka: Kafka; altered: () => number; close: () => Promise<void> }> {
  let altered = 0
  const proxy = await alteringProxy(bootstrapServers, (key, frame) => {
    if (key !== apiKey || altered === times) return frame
    altered++
    return alter(frame)
  })
  const kafka = new Kafka({
    bootstrapServers,
    mapAddress: () => proxy.address,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 20,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    logger: silentLogger,
  })
  const close = async (): Promise<void> => {
    await kafka.close({ timeoutMs: 0 })
    proxy.close()
  }
  return { kafka, altered: () => altered, close }
}
