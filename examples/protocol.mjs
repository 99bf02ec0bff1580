// A proxy that prints what a client and a broker say to each other, in 40 lines.

import { connect, createServer } from 'node:net'
import { Kafka } from 'kafkawire'
import { Conversation, encodeFrame } from 'kafkawire/protocol'

const [host, port] = (process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092').split(',')[0].split(':')

const proxy = createServer((client) => {
  const broker = connect(Number(port), host)
  const conversation = new Conversation()
  const show = ({ api, type, version, raw }) =>
    console.log(api?.name, `v${version}`, type, `${raw.length} bytes`)

  client.on('data', (bytes) => {
    for (const frame of conversation.fromClient(bytes)) {
      show(frame)
      broker.write(frame.raw)
    }
  })
  broker.on('data', (bytes) => {
    for (const frame of conversation.fromServer(bytes)) {
      show(frame)
      // Clients go to the addresses that brokers state: let them come here.
      for (const node of frame.body?.brokers ?? []) {
        Object.assign(node, { host: '127.0.0.1', port: proxy.address().port })
      }
      client.write(frame.type === 'response' ? encodeFrame(frame) : frame.raw)
    }
  })
  for (const [one, other] of [
    [client, broker],
    [broker, client],
  ]) {
    one.on('close', () => other.destroy())
    one.on('error', () => other.destroy())
  }
})
await new Promise((listening) => proxy.listen(0, '127.0.0.1', listening))

const kafka = new Kafka({ bootstrapServers: `127.0.0.1:${proxy.address().port}` })
await kafka.producer().send({ topic: 'orders', value: 'by the proxy' })
await kafka.close()
proxy.close()
