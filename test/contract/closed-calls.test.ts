// Every public call while its client closes and after it: each settles, with an error of this client or its
// documented value, and leaves nothing behind.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BatchDeliveryError, ClosedError, KafkaError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { apis } from '../../src/protocol/apis.ts'
import { noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { type ArgumentRow, argumentTables, type Subjects } from './argument-tables.ts'
import { type Opened, openSubjects } from './subjects.ts'

/** Calls of nothing that is closed. */
const ofNothing =
  /^Kafka (new Kafka|topic)|^TestCluster (start|new ManualClock|advance|setWall|schedule)\(|with a consumer$/
/** Calls that a closed client takes: there is nothing to wait for, and nothing happens. */
const harmless =
  /^(Kafka close|Producer (flush|writable|writableStream)|Consumer (assignmentSignal|lag))\(/
/** Calls on what a closed cluster still has: its logs and its records of what was asked. */
const ofMemory = /^TestCluster (?!startNode|waitFor\(\) what is not true)/

const rows = Object.entries(argumentTables)
  .flatMap(([of, table]) =>
    Object.entries(table).map(([name, row]) => ({ name: `${of} ${name}`, row })),
  )
  .filter(({ name }) => !ofNothing.test(name))

let opened: Opened
let before: string[]
const unhandled: unknown[] = []
const note = (error: unknown): void => {
  unhandled.push(error)
}

/** What keeps this process alive. */
function resources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name))
}

/** What did not keep it alive before. */
function leftOver(): string[] {
  const left = resources()
  for (const name of before) {
    const index = left.indexOf(name)
    if (index >= 0) left.splice(index, 1)
  }
  return left
}

beforeEach(async () => {
  before = resources()
  unhandled.length = 0
  process.on('unhandledRejection', note)
  opened = await openSubjects()
})
afterEach(async () => {
  await opened.end()
  process.off('unhandledRejection', note)
})

/** What a call throws or rejects with; null where it does not. */
async function failureOf(row: ArgumentRow, subjects: Subjects): Promise<unknown> {
  try {
    await row.call(subjects, row.args(subjects) as never)
    return null
  } catch (error) {
    return error
  }
}

function isClosed(error: unknown): boolean {
  if (error instanceof BatchDeliveryError) return error.results.every((one) => isClosed(one.error))
  return error instanceof ClosedError
}

async function expectNothingLeft(): Promise<void> {
  await opened.end()
  await expect.poll(leftOver, { timeout: 5000 }).toEqual([])
  expect(unhandled).toEqual([])
}

describe('every call', () => {
  test('after close() fails with a ClosedError, or changes nothing', async () => {
    const { subjects } = opened
    await subjects.kafka.close()
    await subjects.testCluster.close()
    for (const { name, row } of rows) {
      const error = await failureOf(row, subjects)
      if (harmless.test(name) || ofMemory.test(name)) {
        expect.soft(error === null || error instanceof KafkaError, `${name}: ${error}`).toBe(true)
      } else {
        expect.soft(isClosed(error), `${name}: ${error}`).toBe(true)
      }
    }
    await expectNothingLeft()
  })

  test.each([0, 50])('%i ms after close() was called settles when it ends', async (waitMs) => {
    const { cluster, subjects } = opened
    await subjects.admin.listTopics()
    for (const api of apis) cluster.intercept(api, () => noAnswer)
    const closing = Promise.all([
      subjects.kafka.close({ timeoutMs: 500 }),
      subjects.testCluster.close(),
    ])
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    const calls = rows.map(async ({ name, row }) => ({
      name,
      error: await failureOf(row, subjects),
    }))
    await closing
    for (const { name, error } of await Promise.all(calls)) {
      expect.soft(error === null || error instanceof KafkaError, `${name}: ${error}`).toBe(true)
    }
    await expectNothingLeft()
  })

  test('of close() resolves, at once and again', async () => {
    const { kafka, producer, consumer, shareConsumer, admin, testCluster } = opened.subjects
    for (const client of [producer, consumer, shareConsumer, admin, kafka, testCluster]) {
      await Promise.all([client.close(), client.close()])
      await client.close()
    }
    await expectNothingLeft()
  })
})

describe('a test cluster', () => {
  test('whose node is being started leaves no port open when it is closed', async () => {
    const { testCluster } = opened.subjects
    await testCluster.stopNode(2)
    const starting = testCluster.startNode(2).catch((error: unknown) => error)
    await testCluster.close()
    expect(await starting).toBeInstanceOf(ClosedError)
    await expectNothingLeft()
  })

  test('that cannot have one of its ports leaves none open', async () => {
    const taken = await TestCluster.start()
    const port = taken.portOf(1) - 1
    await expect(TestCluster.start({ nodes: 2, port })).rejects.toThrow(/cannot listen on/)
    await taken.close()
    await expectNothingLeft()
  })

  test('starts a node whose port was taken when it is free again', async () => {
    const { testCluster } = opened.subjects
    await testCluster.stopNode(2)
    const other = createServer().listen(testCluster.portOf(2), '127.0.0.1')
    await once(other, 'listening')
    await expect(testCluster.startNode(2)).rejects.toThrow(/cannot listen on/)
    other.close()
    await once(other, 'close')
    await testCluster.startNode(2)
    const kafka = new Kafka({ bootstrapServers: `127.0.0.1:${testCluster.portOf(2)}` })
    expect((await kafka.metadata()).brokers.size).toBe(2)
    await kafka.close()
  })
})
