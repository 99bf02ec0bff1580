// Reaches a broker through a forwarded port, as `kubectl port-forward` and SSH tunnels offer one: the broker
// advertises its own address, and mapAddress says where it is reached from here.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Kafka } from 'kafkawire'

const bootstrapServers = process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092'
const [host, port] = bootstrapServers.split(',')[0].split(':')

// Stands for the tunnel.
const tunnel = createServer((near) => {
  const far = connect(Number(port), host)
  near.pipe(far).pipe(near)
  near.on('error', () => far.destroy())
  far.on('error', () => near.destroy())
})
tunnel.listen(0, '127.0.0.1')
await once(tunnel, 'listening')
const forwarded = { host: '127.0.0.1', port: tunnel.address().port }

const kafka = new Kafka({
  bootstrapServers,
  clientId: 'example-networking',
  // With several brokers, each has a port: choose by nodeId, or by host and port.
  mapAddress: () => forwarded,
})
try {
  const { brokers } = await kafka.metadata()
  for (const broker of brokers.values()) {
    console.log(`${broker.host}:${broker.port} is reached by port ${forwarded.port}`)
  }
} finally {
  await kafka.close()
  tunnel.close()
}
