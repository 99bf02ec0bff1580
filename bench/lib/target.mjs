// What the clients are measured against: a real Apache Kafka node, the in-process broker in a process of
// its own, or the null broker (a server that acknowledges and stores nothing, so that the client is the
// bottleneck). Each is started here and stopped with the run.

import { execFileSync, fork, spawn } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import net from 'node:net'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('../', import.meta.url))
export const lab = process.env.KAFKAWIRE_LAB ?? `${bench}lab`

/** Starts `kind` and answers { kind, bootstrapServers, stop }. */
export async function startTarget(kind, options = {}) {
  if (options.bootstrapServers) {
    return { kind: 'given', bootstrapServers: options.bootstrapServers, stop: async () => {} }
  }
  if (kind === 'kafka') return startKafka()
  if (kind === 'testing') return startTesting()
  if (kind === 'null') return startNull(options.partitions ?? 6)
  throw new Error(`--target must be kafka, testing or null, not ${kind}`)
}

async function startKafka() {
  const { whyNoJava } = await import('../../test/harness/java.ts')
  const reason = whyNoJava()
  if (reason !== null) throw new Error(`--target kafka: ${reason}. --target testing needs no JDK`)
  const { startCluster } = await import('../../test/harness/cluster.ts')
  const cluster = await startCluster({
    version: '4.4.0',
    properties: {
      'log.retention.bytes': -1,
      // A topic that has a limit of its own is held to it: see soak.mjs.
      'log.retention.check.interval.ms': 2000,
      'group.initial.rebalance.delay.ms': 0,
      'group.consumer.max.size': 1000,
    },
    jvmArgs: ['-Xmx1g'],
  })
  return {
    kind: 'kafka',
    version: cluster.version,
    bootstrapServers: cluster.bootstrapServers,
    stop: () => cluster.stop(),
  }
}

async function startTesting() {
  const child = fork(fileURLToPath(new URL('./testing-broker.mjs', import.meta.url)), [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const bootstrapServers = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`the in-process broker ended with ${code}`)))
  })
  return { kind: 'testing', bootstrapServers, stop: async () => child.kill() }
}

async function startNull(partitions) {
  const binary = `${lab}/bin/nullbroker`
  if (!isBuilt(binary)) buildGo()
  const port = await freePort()
  const child = spawn(binary, ['-listen', `127.0.0.1:${port}`, '-partitions', String(partitions)], {
    stdio: 'ignore',
  })
  process.once('exit', () => child.kill())
  while (!(await listens(port))) await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    kind: 'null',
    bootstrapServers: `127.0.0.1:${port}`,
    stop: async () => child.kill(),
  }
}

function isBuilt(binary) {
  const source = `${bench}peers/go/cmd/nullbroker/main.go`
  return existsSync(binary) && statSync(binary).mtimeMs >= statSync(source).mtimeMs
}

function buildGo() {
  mkdirSync(`${lab}/bin`, { recursive: true })
  try {
    execFileSync('go', ['build', '-o', `${lab}/bin/`, './cmd/nullbroker'], {
      cwd: `${bench}peers/go`,
      stdio: ['ignore', 'inherit', 'pipe'],
    })
  } catch (error) {
    throw new Error('--target null: the null broker is a Go program and could not be built', {
      cause: error,
    })
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
