// A program that has closed its clients ends by itself: no timer and no socket is left, whether the
// cluster was there or not, and nothing was written to stderr.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePorts } from '../harness/ports.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { type EndedProcess, runNode } from '../harness/run-node.ts'
import { ensureBuilt, root } from './build.ts'

/** How long a process may live after the last line of the program: `closed`. */
const graceMs = 2000

describeReal('a program that closes what it opened', () => {
  let folder: string
  let bootstrapServers: string
  let topic: string
  let nowhere: string

  beforeAll(async () => {
    await ensureBuilt()
    folder = await mkdtemp(join(tmpdir(), 'kafkawire-exit-'))
    const cluster = await sharedCluster('4.4.0')
    bootstrapServers = cluster.bootstrapServers
    const java = await javaTools(cluster)
    topic = await java.createTopic(uniqueName('exit'), { partitions: 3 })
    java.close()
    const [port] = await freePorts(1)
    nowhere = `127.0.0.1:${port}`
  })
  afterAll(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  /** Runs a program with `Kafka`, `topic` and the addresses in scope. */
  async function run(body: string): Promise<EndedProcess> {
    const door = pathToFileURL(join(root, 'dist/index.js')).href
    const names = { topic, bootstrapServers, nowhere, groupId: uniqueName('exit') }
    const scope = Object.entries(names).map(([name, value]) => `const ${name} = '${value}'`)
    const file = join(folder, `${uniqueName('program')}.mjs`)
    const lines = [`import { Kafka } from '${door}'`, ...scope, body, "console.log('closed')"]
    await writeFile(file, lines.join('\n'))
    return runNode([file], { timeoutMs: 30_000 })
  }

  function expectEnded({ code, stderr, lines, endedAt }: EndedProcess): void {
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const closed = lines.at(-1)
    expect(closed?.text).toBe('closed')
    expect(endedAt - (closed?.at ?? 0)).toBeLessThan(graceMs)
  }

  test('ends after it has written and read', async () => {
    const ended = await run(`
      const kafka = new Kafka({ bootstrapServers })
      const producer = kafka.producer({ compressionType: 'zstd' })
      const values = Array.from({ length: 1000 }, (_, i) => ({ topic, key: String(i), value: 'v' }))
      await producer.sendBatch(values)
      const consumer = kafka.consumer({ groupId, topics: [topic], autoOffsetReset: 'earliest' })
      let read = 0
      for await (const record of consumer) if (++read === 1000) break
      console.log(read)
      await consumer.close()
      await producer.close()
      await kafka.close()`)
    expectEnded(ended)
    expect(ended.lines[0].text).toBe('1000')
  })

  test('ends after kafka.close() alone, with a loop, a flush and requests under way', async () => {
    const ended = await run(`
      const kafka = new Kafka({ bootstrapServers })
      const producer = kafka.producer({ lingerMs: 1000 })
      const consumer = kafka.consumer({ groupId, topics: [topic], autoOffsetReset: 'earliest' })
      const reading = (async () => { for await (const record of consumer) if (record === 0) break })()
      await kafka.connect()
      const sent = producer.send({ topic, value: 'v' })
      const metadata = kafka.metadata().catch((error) => error.name)
      await kafka.close()
      const { partition } = await sent
      await Promise.all([reading, metadata])
      console.log(partition >= 0)`)
    expectEnded(ended)
    expect(ended.lines[0].text).toBe('true')
  })

  test('ends while no broker can be reached', async () => {
    const ended = await run(`
      const quiet = () => {}
      const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
      const kafka = new Kafka({ bootstrapServers: nowhere, logger })
      const consumer = kafka.consumer({ groupId, topics: [topic] })
      const reading = (async () => { for await (const record of consumer) console.log(record) })()
      const sent = kafka.producer({ maxBlockMs: 500 }).send({ topic, value: 'v' })
      console.log(await sent.catch((error) => error.name))
      console.log(await kafka.connect().catch((error) => error.name))
      await kafka.close()
      await reading`)
    expectEnded(ended)
    expect(ended.lines.map(({ text }) => text)).toEqual([
      'DeliveryTimeoutError',
      'ConnectionError',
      'closed',
    ])
  })

  test('ends although the producer was not closed, when everything has its outcome', async () => {
    const ended = await run(`
      const kafka = new Kafka({ bootstrapServers })
      const producer = kafka.producer()
      await producer.send({ topic, value: 'v' })`)
    expectEnded(ended)
  })

  test('does not end before what was enqueued has its outcome', async () => {
    const ended = await run(`
      const kafka = new Kafka({ bootstrapServers })
      const onDelivery = (error) => console.log(error === null ? 'delivered' : error.name)
      const producer = kafka.producer({ lingerMs: 300, onDelivery })
      producer.enqueue({ topic, value: 'v' })`)
    expect(ended.code).toBe(0)
    expect(ended.lines.map(({ text }) => text)).toEqual(['closed', 'delivered'])
  })

  test('ends after a send that failed', async () => {
    const ended = await run(`
      const kafka = new Kafka({ bootstrapServers })
      const producer = kafka.producer({ maxBlockMs: 500 })
      const errors = await Promise.allSettled([
        producer.send({ topic: 'no-such-topic', value: 'v' }),
        producer.send({ topic, value: 5 }),
        producer.sendBatch([{ topic: 'no-such-topic', value: 'v' }]),
      ])
      console.log(errors.map(({ reason }) => reason.name).join(' '))
      await producer.close()`)
    expectEnded(ended)
    expect(ended.lines[0].text).toBe('DeliveryTimeoutError InvalidArgumentError BatchDeliveryError')
  })
})
