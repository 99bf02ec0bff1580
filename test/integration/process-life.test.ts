// A process that waits for one of our promises stays alive until that promise settles, whatever else it
// has open: Node ends a process without a word when only timers and sockets are left that do not hold it.
// Each round goes through the calls of a client from its first connection to its close, while the brokers
// drop connections; a process that would end early says which call it was in.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TestCluster } from '../../src/testing.ts'
import { freePorts } from '../harness/ports.ts'
import { runNode } from '../harness/run-node.ts'
import { ensureBuilt, root } from './build.ts'

const rounds = 60

const program = (door: string, bootstrapServers: string): string => `
import { Kafka } from '${door}'

let call = 'nothing'
let isDone = false
process.on('beforeExit', () => {
  if (!isDone) console.log('the process would end while it waits for ' + call)
})

async function attempt(name, run) {
  call = name
  await run().catch(() => {})
}

for (let round = 0; round < ${rounds}; round++) {
  const topic = 'round-' + round
  const kafka = new Kafka({ bootstrapServers: '${bootstrapServers}', logger: silent() })
  const record = { topic, value: 'v' }
  const producer = kafka.producer({ lingerMs: round % 2 === 0 ? 5 : 0 })
  await attempt('sendBatch', () => producer.sendBatch(new Array(10).fill(record)))
  await attempt('send', () => producer.send(record))
  producer.enqueue(record)
  await attempt('flush', () => producer.flush())
  producer.enqueue(record)
  await attempt('producer.close', () => producer.close())

  const transactional = kafka.producer({ transactionalId: topic })
  await attempt('a commit', () =>
    transactional.transaction(async (tx) => {
      for (let i = 0; i < 10; i++) tx.enqueue(record)
    }),
  )
  await attempt('an abort', () =>
    transactional.transaction(async (tx) => {
      await tx.send(record)
      throw new Error('on purpose')
    }),
  )
  await attempt('a send and a commit', () => transactional.transaction((tx) => tx.send(record)))

  const groupProtocol = round % 2 === 0 ? 'classic' : 'consumer'
  const consumer = kafka.consumer({
    groupId: topic, topics: [topic], autoOffsetReset: 'earliest', groupProtocol,
  })
  await attempt('for await', async () => {
    let count = 0
    for await (const _ of consumer) if (++count === 10) break
  })
  await attempt('commit', () => consumer.commit())
  await attempt('endOffsets', () => consumer.endOffsets([{ topic, partition: 0 }]))
  await attempt('consumer.close', () => consumer.close())
  await attempt('admin', () => kafka.admin().describeGroups([topic]))
  await attempt('kafka.close', () => kafka.close())
}
isDone = true
console.log('done')

function silent() {
  return { debug() {}, info() {}, warn() {}, error() {} }
}
`

let folder: string

beforeAll(async () => {
  await ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'kafkawire-life-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function life(nodes: number): Promise<{ cluster: TestCluster; file: string }> {
  const cluster = await TestCluster.start({ nodes, autoCreateTopics: true, record: false })
  const file = join(folder, `rounds-${nodes}.mjs`)
  const door = pathToFileURL(join(root, 'dist/index.js')).href
  await writeFile(file, program(door, cluster.bootstrapServers))
  return { cluster, file }
}

test('a process that waits does not end', async () => {
  const { cluster, file } = await life(1)
  try {
    const { code, lines } = await runNode([file], { timeoutMs: 120_000 })
    expect(lines.map(({ text }) => text)).toEqual(['done'])
    expect(code).toBe(0)
  } finally {
    await cluster.close()
  }
})

test('nor while brokers drop their connections', async () => {
  const { cluster, file } = await life(3)
  let nextNode = 0
  const drops = setInterval(() => {
    const { nodeIds } = cluster
    cluster.disconnectAll(nodeIds[nextNode++ % nodeIds.length])
  }, 40)
  try {
    const { code, lines } = await runNode([file], { timeoutMs: 120_000 })
    expect(lines.map(({ text }) => text)).toEqual(['done'])
    expect(code).toBe(0)
  } finally {
    clearInterval(drops)
    await cluster.close()
  }
})

test('nor does it live on for a producer whose records have failed, with no broker in reach', async () => {
  const [port] = await freePorts(1)
  const file = join(folder, 'unreachable.mjs')
  const door = pathToFileURL(join(root, 'dist/index.js')).href
  const text = `import { Kafka } from '${door}'
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const kafka = new Kafka({ bootstrapServers: '127.0.0.1:${port}', logger: silent })
for (const enableIdempotence of [true, false]) {
  const producer = kafka.producer({ enableIdempotence, maxBlockMs: 300 })
  await producer.send({ topic: 't', value: 'v' }).catch((error) => console.log(error.name))
}`
  await writeFile(file, text)
  // Before a request to a broker that cannot be reached is given up: nothing may wait for that.
  const { code, lines, stderr } = await runNode([file], { timeoutMs: 25_000 })
  expect(lines.map(({ text }) => text)).toEqual(Array(2).fill('DeliveryTimeoutError'))
  expect(stderr).toBe('')
  expect(code).toBe(0)
})
