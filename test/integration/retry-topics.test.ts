// Retry topics and dead letters on real brokers: a consumer process is killed with its work in hand, and no
// record is lost; what a dead-letter topic refuses as too large is cut, and says so.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import type { ConsumerRecord } from '../../src/records/consumer-record.ts'
import { describeReal, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { ensureBuilt, root } from './build.ts'

const COUNT = 120
const delays = ['200ms', '500ms']
const patience = { timeoutMs: 100_000 }

/** A static member: after a kill the next one takes its place at once. Prints each call of its handler. */
const program = (door: string, names: Readonly<Record<string, string>>): string => `
import { Kafka } from '${door}'
const { bootstrapServers, topic, dead, groupId } = ${JSON.stringify(names)}
const kafka = new Kafka({ bootstrapServers })
const consumer = kafka.consumer({
  groupId, groupInstanceId: 'only', topics: [topic], autoOffsetReset: 'earliest', autoCommitIntervalMs: 50,
})
process.once('SIGTERM', () => void kafka.close())
await consumer.run({
  concurrency: 4,
  retryTopics: ${JSON.stringify(delays)},
  deadLetterTopic: dead,
  eachRecord: async (record, { attempt }) => {
    const id = Number(record.value)
    await new Promise((resolve) => setTimeout(resolve, 10))
    const fails = id % 20 === 3 || (id % 5 === 1 && attempt < 2) || (id % 5 === 2 && attempt < 3)
    console.log(JSON.stringify({ id, attempt, fails, topic: record.topic, key: String(record.key) }))
    if (fails) throw new Error('record ' + id)
  },
})
`

interface Call {
  id: number
  attempt: number
  fails: boolean
  topic: string
  key: string
}

describeReal('retry topics of 4.4.0', () => {
  let folder: string
  let bootstrapServers: string
  let kafka: Kafka
  const children: ChildProcess[] = []

  beforeAll(async () => {
    await ensureBuilt()
    folder = await mkdtemp(join(tmpdir(), 'kafkawire-retries-'))
    const cluster = await sharedCluster('4.4.0')
    bootstrapServers = cluster.bootstrapServers
    kafka = new Kafka({ bootstrapServers })
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await kafka?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  async function createTopics(topics: Readonly<Record<string, object>>): Promise<void> {
    const admin = kafka.admin()
    await admin.createTopics(
      Object.entries(topics).map(([topic, settings]) => ({
        topic,
        numPartitions: 1,
        replicationFactor: 1,
        ...settings,
      })),
    )
    await admin.close()
  }

  /** Collects the records of a topic with one partition, as they come. */
  function watch(topic: string): ConsumerRecord[] {
    const found: ConsumerRecord[] = []
    const consumer = kafka.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0n }])
    void consumer.run({ eachRecord: (record) => void found.push(record) })
    return found
  }

  /** Whether another member would find nothing to do. */
  async function isCommitted(groupId: string, topics: readonly string[]): Promise<boolean> {
    const admin = kafka.admin()
    const places = []
    for (const topic of topics) {
      for (const { partition } of await kafka.partitionsFor(topic))
        places.push({ topic, partition })
    }
    const [{ offsets }] = await admin.listConsumerGroupOffsets([{ groupId, partitions: places }])
    const ends = await admin.listOffsets(
      places.map((place) => ({ ...place, offset: 'latest' as const })),
    )
    await admin.close()
    return ends.every(({ topic, partition, offset }) => {
      const found = offsets.find((each) => each.topic === topic && each.partition === partition)
      return (found?.offset ?? 0n) === offset
    })
  }

  test('lose no record when the process is killed with its work in hand', async () => {
    const [topic, dead, groupId] = ['retried', 'dead', 'group'].map(uniqueName)
    const retryTopics = delays.map((delay) => `${groupId}-retry-${delay}`)
    await createTopics({ [topic]: { numPartitions: 3 }, [dead]: {} })
    await createTopics(Object.fromEntries(retryTopics.map((name) => [name, { numPartitions: 2 }])))
    const ids = Array.from({ length: COUNT }, (_, id) => id)
    await kafka.producer().sendBatch(ids.map((id) => ({ topic, key: `k${id}`, value: String(id) })))
    const letters = watch(dead)
    const file = join(folder, 'member.mjs')
    const door = pathToFileURL(join(root, 'dist/index.js')).href
    await writeFile(file, program(door, { bootstrapServers, topic, dead, groupId }))

    const calls: Call[] = []
    let errors = ''
    const start = (): ChildProcess => {
      const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] })
      children.push(child)
      let rest = ''
      child.stdout.on('data', (data) => {
        const lines = (rest + data).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) calls.push(JSON.parse(line) as Call)
      })
      child.stderr.on('data', (data) => {
        errors += data
      })
      return child
    }
    const kill = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
      const ended = new Promise((resolve) => child.once('close', resolve))
      child.kill(signal)
      await ended
    }
    const deadIds = (): Set<number> => new Set(letters.map(({ value }) => Number(value)))
    const doneIds = (): Set<number> => new Set(calls.flatMap(({ id, fails }) => (fails ? [] : id)))

    // Once among first calls, once when the first retries are handled.
    let child = start()
    await waitUntil('first calls', () => calls.length > COUNT / 4, patience)
    await kill(child, 'SIGKILL')
    child = start()
    await waitUntil('first retries', () => calls.some(({ attempt }) => attempt === 2), patience)
    await kill(child, 'SIGKILL')
    child = start()
    const isSettled = (): boolean => {
      const settled = new Set([...doneIds(), ...deadIds()])
      return ids.every((id) => settled.has(id))
    }
    await waitUntil('every record handled or dead', isSettled, patience)
    await waitUntil(
      'everything committed',
      () => isCommitted(groupId, [topic, ...retryTopics]),
      patience,
    )
    await kill(child, 'SIGTERM')

    expect([...deadIds()].toSorted((a, b) => a - b)).toEqual(ids.filter((id) => id % 20 === 3))
    for (const { id, topic: from, key } of calls) expect([from, key]).toEqual([topic, `k${id}`])
    for (const { id, attempt, fails } of calls) {
      if (!fails && id % 5 === 1) expect(attempt).toBeGreaterThanOrEqual(2)
      if (!fails && id % 5 === 2) expect(attempt).toBe(3)
    }
    for (const { headers } of letters) {
      expect(String(headers.get('__kafkawire.errors.topic'))).toBe(topic)
      expect(String(headers.get('__kafkawire.errors.attempts'))).toBe('3')
    }
    expect(errors).not.toMatch(/Unhandled|TypeError/)
  })

  test('cut a dead letter that its topic refuses as too large, and say so', async () => {
    const [topic, dead, groupId] = ['large', 'small', 'group'].map(uniqueName)
    await createTopics({ [topic]: {}, [dead]: { configs: { 'max.message.bytes': '2000' } } })
    const long = 'x'.repeat(5000)
    const trace = { key: 'trace', value: 'abc' }
    await kafka.producer().sendBatch([
      { topic, key: 'value', value: long, headers: [trace] },
      { topic, key: long, value: 'key', headers: [trace] },
      { topic, key: 'headers', value: 'v', headers: [{ key: 'big', value: long }, trace] },
      { topic, key: 'message', value: 'm'.repeat(900), headers: [trace] },
    ])
    const consumer = kafka.consumer({ groupId, topics: [topic], autoOffsetReset: 'earliest' })
    const letters = watch(dead)
    const running = consumer.run({
      deadLetterTopic: dead,
      eachRecord: () => {
        throw new Error(long)
      },
    })
    await Promise.race([running, waitUntil('letters', () => letters.length === 4, patience)])
    await consumer.close()
    await running
    const told = letters.map(({ key, value, headers }) => ({
      key: key?.length ?? null,
      value: value?.length ?? null,
      offset: String(headers.get('__kafkawire.errors.offset')),
      trace: headers.has('trace'),
      omitted: headers.get('__kafkawire.errors.omitted')?.toString(),
      messageBytes: headers.get('__kafkawire.errors.message')?.length,
    }))
    const shortened = { messageBytes: 256 + '...'.length }
    const all = { key: null, value: null, trace: false, ...shortened }
    expect(told).toEqual([
      {
        offset: '0',
        key: 5,
        value: null,
        trace: true,
        omitted: 'value (5000 bytes)',
        ...shortened,
      },
      { ...all, offset: '1', omitted: 'value (3 bytes), headers (1), key (5000 bytes)' },
      { ...all, offset: '2', omitted: 'value (1 bytes), headers (2), key (7 bytes)' },
      { offset: '3', key: 7, value: 900, trace: true, omitted: undefined, ...shortened },
    ])
  })
})
