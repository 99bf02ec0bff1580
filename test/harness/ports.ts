// Free TCP ports for brokers. They lie below the range from which the system takes the ports of
// outgoing connections, so that a stopped broker finds its own port free when it is started again.

import { createServer } from 'node:net'

const lowest = 15_000
const highest = 32_000
const given = new Set<number>()

/** Ports that nobody listens on; none is given twice by one process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    // At random, since other processes look for ports too.
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    ports.push(port)
  }
  return ports
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
