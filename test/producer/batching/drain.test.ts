// What goes into one request, and in whose turn (docs/internals/producer.md, section 3); and how a new leader is found.

import { describe, expect, test } from 'vitest'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import { Engine } from '../engine.ts'
import { startCluster, startProducer, valuesOf } from '../with-producer.ts'

/** The partitions of what would go to a broker now. */
function drained(engine: Engine): number[] {
  return engine.drain().map(({ partition }) => partition.partition)
}

/** Each partition has had its first success: all may have several requests under way. */
function provenEngine(options: ConstructorParameters<typeof Engine>[0]): Engine {
  const engine = new Engine(options)
  for (const partition of engine.topic.partitions) engine.appendBatch('first', partition)
  const partitions = engine.topic.partitions.length
  for (let answered = 0; answered < partitions; ) {
    for (const batch of engine.drain()) {
      engine.answer(batch)
      answered++
    }
  }
  return engine
}

describe('a request', () => {
  test('has one batch of each partition at most', () => {
    const engine = provenEngine({ partitions: 3 })
    for (const partition of engine.topic.partitions) {
      engine.appendBatch('a', partition)
      engine.appendBatch('b', partition)
    }
    expect(drained(engine).sort()).toEqual([0, 1, 2])
    expect(drained(engine).sort()).toEqual([0, 1, 2])
    expect(drained(engine)).toEqual([])
  })

  test('is no larger than maxRequestSize, and the next begins where it stopped', () => {
    const engine = provenEngine({ partitions: 5, maxRequestSize: 1000 })
    const value = 'x'.repeat(300)
    for (const partition of engine.topic.partitions) {
      for (let i = 0; i < 2; i++) engine.appendBatch(value, partition)
    }
    const requests = Array.from({ length: 5 }, () => drained(engine))
    expect(requests.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2])
    // All have had a first turn before any has a second.
    expect(requests.flat().slice(0, 5).sort()).toEqual([0, 1, 2, 3, 4])
    expect(requests.flat().slice(5).sort()).toEqual([0, 1, 2, 3, 4])
  })

  test('takes a batch that is larger alone', () => {
    const engine = provenEngine({ partitions: 2, maxRequestSize: 1000 })
    engine.appendBatch('x'.repeat(3000), engine.topic.partitions[0])
    engine.appendBatch('small', engine.topic.partitions[1])
    const requests = [drained(engine), drained(engine)]
    expect(requests.flat().sort()).toEqual([0, 1])
    expect(requests.map(({ length }) => length)).toEqual([1, 1])
  })

  test('leaves out a partition that must wait, and goes on with the others', () => {
    const engine = new Engine({ partitions: 3 })
    const [held, ...others] = engine.topic.partitions
    engine.appendBatch('first', held)
    // Its first batch goes alone.
    expect(drained(engine)).toEqual([0])
    for (const partition of [held, ...others]) engine.appendBatch('a', partition)
    expect(drained(engine).sort()).toEqual([1, 2])
  })

  test('names topics by name where one has no id', async () => {
    const cluster = await startCluster({ versions: { Metadata: { maxVersion: 9 } } })
    const producer = startProducer(cluster)
    await producer.send({ topic: 't', value: 'v' })
    expect(cluster.requests(produce).map(({ version }) => version)).toEqual([12])
  })
})

describe('a new leader', () => {
  test('that a Produce answer names is gone to at once, without metadata', async () => {
    const cluster = await startCluster({ nodes: 2 })
    cluster.moveLeader('t', 0, 1)
    // A backoff would be longer than this test may take.
    const producer = startProducer(cluster, { retryBackoffMs: 60_000, retryBackoffMaxMs: 60_000 })
    await producer.send({ topic: 't', value: 'a' })
    cluster.intercept(metadata, () => noAnswer)
    cluster.moveLeader('t', 0, 2)
    cluster.clearRequests()
    expect(await producer.send({ topic: 't', value: 'b' })).toMatchObject({ offset: 1n })
    expect(cluster.requests(produce).map(({ nodeId }) => nodeId)).toEqual([1, 2])
    expect(await valuesOf(cluster)).toEqual(['a', 'b'])
  })
})
