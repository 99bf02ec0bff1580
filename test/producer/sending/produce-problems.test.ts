// Records that are refused again and again: health() lists it, and onError and the log have it, before the
// delivery timeout.

import { afterEach, expect, test } from 'vitest'
import { replaceClock } from '../../../src/async/clock.ts'
import { KafkaError } from '../../../src/errors.ts'
import { Kafka } from '../../../src/kafka.ts'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { ProblemWatch } from '../../../src/producer/sending/problem-watch.ts'
import { ProduceProblems } from '../../../src/producer/sending/produce-problems.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { startCluster } from '../with-producer.ts'

let putClockBack: () => void = () => {}
let aheadMs = 0
afterEach(() => putClockBack())

function movableClock(): void {
  aheadMs = 0
  putClockBack = replaceClock({ monotonicMs: () => performance.now() + aheadMs })
}

/** Every Produce request is refused while `isBroken`. */
function breakProduce(cluster: TestCluster): { isBroken: boolean; refused: number } {
  const state = { isBroken: true, refused: 0 }
  cluster.intercept(produce, async ({ next }) => {
    const response = await next()
    if (!state.isBroken) return response
    state.refused++
    for (const { partitionResponses } of response.responses) {
      for (const each of partitionResponses) {
        Object.assign(each, { errorCode: errorCodes.NOT_ENOUGH_REPLICAS, baseOffset: -1n })
      }
    }
    return response
  })
  return state
}

function open(cluster: TestCluster): { kafka: Kafka; warnings: string[] } {
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) }
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 2,
    retryBackoffMaxMs: 5,
    logger,
  })
  return { kafka, warnings }
}

const says =
  /Records to "out" partition 0 have not been acknowledged for \d+ s.*NOT_ENOUGH_REPLICAS/

test('a producer tells of a partition that takes no records, and no longer when it does', async () => {
  movableClock()
  const cluster = await startCluster({ topics: { out: 1 } })
  const state = breakProduce(cluster)
  const { kafka, warnings } = open(cluster)
  const errors: Error[] = []
  const producer = kafka.producer({ lingerMs: 0, onError: (error) => errors.push(error) })
  const sent = producer.send({ topic: 'out', value: 'v' })
  await cluster.waitFor(() => state.refused > 2)
  const [problem] = producer.health().problems
  expect(problem).toMatchObject({ topic: 'out', partition: 0, nodeId: null })
  expect(errors).toEqual([])
  aheadMs = 6000
  await cluster.waitFor(() => errors.length > 0)
  const { refused } = state
  await cluster.waitFor(() => state.refused > refused + 5)
  expect(errors.map(String)).toEqual([expect.stringMatching(says)])
  expect(errors[0]).toMatchObject({ retriable: true })
  expect(warnings.filter((line) => says.test(line))).toHaveLength(1)
  expect(JSON.stringify(producer.health())).toMatch(/NOT_ENOUGH_REPLICAS/)
  state.isBroken = false
  await sent
  expect(producer.health().problems).toEqual([])
  await kafka.close()
})

test('a pipe tells of it too, by its producer', async () => {
  movableClock()
  const cluster = await startCluster({ topics: { in: 1, out: 1 } })
  const { kafka, warnings } = open(cluster)
  await kafka.producer().send({ topic: 'in', value: 'v' })
  const state = breakProduce(cluster)
  const errors: Error[] = []
  const producer = kafka.producer({
    transactionalId: 'copy',
    lingerMs: 0,
    onError: (error) => errors.push(error),
  })
  const consumer = kafka.consumer({
    groupId: 'g',
    topics: ['in'],
    enableAutoCommit: false,
    autoOffsetReset: 'earliest',
  })
  const end = new AbortController()
  let commits = 0
  const running = kafka.pipe(
    consumer,
    (records) => records.map(() => ({ topic: 'out', value: 'w' })),
    {
      producer,
      signal: end.signal,
      onCommit: () => commits++,
    },
  )
  await cluster.waitFor(() => state.refused > 2, { timeoutMs: 20_000 })
  aheadMs = 6000
  await cluster.waitFor(() => errors.length > 0)
  expect(String(errors[0])).toMatch(says)
  expect(warnings.some((line) => says.test(line))).toBe(true)
  const listed = kafka.health().producers.flatMap(({ problems }) => problems)
  expect(listed.map(({ topic }) => topic)).toEqual(['out'])
  state.isBroken = false
  await cluster.waitFor(() => commits > 0)
  end.abort()
  await running
  await kafka.close()
})

test('reports come at a limited rate, and end when nothing is left to send', () => {
  movableClock()
  const reported: string[] = []
  const problems = new ProduceProblems()
  const watched = {
    ofCluster: () => [],
    identity: () => null,
    ofTopics: () => problems.list(),
    isOutage: false,
    outageError: new KafkaError(''),
  }
  const watch = new ProblemWatch(
    watched,
    () => false,
    (error) => reported.push(error.message),
  )
  const error = new KafkaError('no')
  const places = Array.from({ length: 30 }, (_, partition) => ({
    topic: { name: 't' },
    partition,
    queue: [{}],
    inFlight: 0,
  }))
  for (const place of places) problems.failed(place, error)
  aheadMs += 4000
  watch.look()
  expect(reported).toEqual([])
  aheadMs += 2000
  for (let i = 0; i < 3; i++) watch.look()
  expect(reported).toHaveLength(10)
  expect(problems.list()).toHaveLength(30)
  aheadMs += 61_000
  watch.look()
  expect(reported).toHaveLength(20)
  places[0].queue = []
  expect(problems.list()).toHaveLength(29)
  problems.ended(places[1])
  expect(problems.list()).toHaveLength(28)
})
