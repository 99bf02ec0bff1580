// A broker that accepts everything and answers nothing: the producer must find the new leader as soon
// as the others know of one, not when a timeout of its own ends.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'

let cluster: TestCluster
let kafka: Kafka
let producer: Producer

beforeEach(async () => {
  cluster = await TestCluster.start({ nodes: 3, topics: { orders: 1 } })
  cluster.moveLeader('orders', 0, 1)
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  producer = kafka.producer()
  await producer.send({ topic: 'orders', value: 'first' })
})

afterEach(async () => {
  cluster.resumeNode(1)
  await kafka.close()
  await cluster.close()
})

/** The first question about the silence finds the old leader; the election comes after it. */
async function electAfterFirstQuestion(): Promise<number> {
  const questions = (): number => cluster.requests(metadata).length
  const before = questions()
  await cluster.waitFor(() => questions() > before)
  // Several more in a row find nothing new either: an election takes seconds.
  await cluster.waitFor(() => questions() > before + 2)
  cluster.moveLeader('orders', 0, 2)
  return Date.now()
}

test('a request that hangs is given up once another broker leads', async () => {
  cluster.pauseNode(1)
  const sent = producer.send({ topic: 'orders', value: 'second' })
  const elected = await electAfterFirstQuestion()
  await expect(sent).resolves.toMatchObject({ partition: 0, offset: 1n })
  expect(Date.now() - elected).toBeLessThan(2500)
})

test('a connection that hangs while it is set up holds nothing once another broker leads', async () => {
  cluster.pauseNode(1)
  cluster.disconnectAll(1)
  const sent = producer.send({ topic: 'orders', value: 'second' })
  const elected = await electAfterFirstQuestion()
  await expect(sent).resolves.toMatchObject({ partition: 0, offset: 1n })
  expect(Date.now() - elected).toBeLessThan(2500)
})
