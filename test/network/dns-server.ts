// A DNS server on the loopback interface that knows a few SRV records, for what only a name server can say.

import { createSocket } from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'

export interface SrvRecord {
  name: string
  port: number
  priority: number
  weight: number
}

const SRV = 33
const NAME_ERROR = 3

/** Makes this process ask a server that knows `records`, by name; change them as you like. */
export async function startDns(
  records: Map<string, SrvRecord[]>,
): Promise<{ close: () => Promise<void>; readonly questions: number }> {
  const socket = createSocket('udp4')
  let questions = 0
  socket.on('message', (message, from) => {
    questions++
    const { name, end } = readName(message, 12)
    const found = records.get(name) ?? []
    const header = Buffer.from(message.subarray(0, 12))
    header.writeUInt16BE(0x8180 | (found.length === 0 ? NAME_ERROR : 0), 2)
    header.writeUInt16BE(found.length, 6)
    header.writeUInt32BE(0, 8)
    const question = message.subarray(12, end + 4)
    const response = Buffer.concat([header, question, ...found.map(srvAnswer)])
    socket.send(response, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const before = dns.getServers()
  dns.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    get questions() {
      return questions
    },
    close: async () => {
      dns.setServers(before)
      socket.close()
      await once(socket, 'close')
    },
  }
}

function srvAnswer({ name, port, priority, weight }: SrvRecord): Buffer {
  const target = Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ])
  const head = Buffer.alloc(18)
  // The name of the question, by its position.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(SRV, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(6 + target.length, 10)
  head.writeUInt16BE(priority, 12)
  head.writeUInt16BE(weight, 14)
  head.writeUInt16BE(port, 16)
  return Buffer.concat([head, target])
}

function readName(message: Buffer, start: number): { name: string; end: number } {
  const labels: string[] = []
  let at = start
  while (message[at] !== 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]))
    at += 1 + message[at]
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}
