// The walk of docs/internals/architecture.md: while one record is sent and read, a function of every file in the
// column "file" of its two tables runs. The order of the steps is for the reader to follow.

import { Session } from 'node:inspector/promises'
import { describe, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { read } from './files.ts'

/** The files that the steps of a section name, as paths below src/. */
function filesOfSteps(heading: string): string[] {
  const page = read('docs/internals/architecture.md')
  const section = page.split(`## ${heading}\n`)[1].split('\n## ')[0]
  const steps = section.split('\n').filter((line) => /^\| \d+ \|/.test(line))
  return steps.flatMap((step) => {
    const names = [...step.split('|')[2].matchAll(/`([^`]+)`/g)].map(([, name]) => name)
    const folder = names[0].slice(0, names[0].lastIndexOf('/') + 1)
    return names.map((name) => (name.includes('/') ? name : folder + name))
  })
}

/** The files below src/ of which a function ran during `work`. */
async function filesRun(work: () => Promise<void>): Promise<Set<string>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
  await work()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  await session.post('Profiler.stopPreciseCoverage')
  session.disconnect()
  const files = new Set<string>()
  for (const { url, functions } of result) {
    const file = url.split('/src/')[1]
    const hasRun = functions.some(
      ({ functionName, ranges }) => functionName !== '' && ranges[0].count > 0,
    )
    if (file !== undefined && hasRun) files.add(file.replace(/\?.*/, ''))
  }
  return files
}

async function withKafka(work: (kafka: Kafka) => Promise<void>): Promise<void> {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  const { bootstrapServers } = cluster
  const kafka = new Kafka({ bootstrapServers, retryBackoffMs: 5, logger: silentLogger })
  try {
    await work(kafka)
  } finally {
    await kafka.close()
    await cluster.close()
  }
}

const consumerOptions = { topics: ['t'], autoOffsetReset: 'earliest' } as const

async function readByLoop(kafka: Kafka): Promise<void> {
  for (const groupProtocol of ['classic', 'consumer'] as const) {
    const consumer = kafka.consumer({ groupId: groupProtocol, groupProtocol, ...consumerOptions })
    for await (const record of consumer) {
      expect(record.value?.toString()).toBe('v')
      expect(consumer.health().isReady).toBe(true)
      break
    }
    await consumer.close()
  }
}

async function readByRun(kafka: Kafka): Promise<void> {
  const consumer = kafka.consumer({ groupId: 'run', ...consumerOptions })
  let calls = 0
  const running = consumer.run({
    concurrency: 2,
    concurrencyBy: 'key',
    retry: { retries: 1, retryBackoffMs: 1 },
    eachRecord: async () => {
      calls++
      if (calls === 1) throw new Error('once')
      await consumer.close()
    },
  })
  await running
  expect(calls).toBe(2)
}

describe('docs/internals/architecture.md', () => {
  test('names the files that send a record', async () => {
    const named = filesOfSteps('The life of a batch')
    const run = await filesRun(() =>
      withKafka(async (kafka) => {
        await kafka.producer({ lingerMs: 0 }).send({ topic: 't', key: 'k', value: 'v' })
      }),
    )
    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((file) => !run.has(file))).toEqual([])
  })

  test('names the files that bring a record to its reader', async () => {
    const named = filesOfSteps('The life of a fetched record')
    const run = await filesRun(() =>
      withKafka(async (kafka) => {
        await kafka.producer({ lingerMs: 0 }).send({ topic: 't', key: 'k', value: 'v' })
        await readByLoop(kafka)
        await readByRun(kafka)
      }),
    )
    expect(named.length).toBeGreaterThan(15)
    expect(named.filter((file) => !run.has(file))).toEqual([])
  })
})
