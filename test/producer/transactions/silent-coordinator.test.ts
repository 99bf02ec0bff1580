// A coordinator that leaves a request without a response: the producer can do nothing until it is over.

import { expect, onTestFinished, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { silentLogger } from '../../../src/logger.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'

test('a producer is not ready when the coordinator of its transaction has been silent for long', async () => {
  const cluster = await TestCluster.start({ nodes: 2, topics: { t: 1 } })
  onTestFinished(() => cluster.close())
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  const producer = kafka.producer({ transactionalId: 'x' })
  onTestFinished(() => kafka.close({ timeoutMs: 500 }))
  await producer.initTransactions()
  await producer.beginTransaction()
  await producer.send({ topic: 't', partition: 0, value: 'v' })
  let isSilent = false
  cluster.intercept(endTxn, () => {
    isSilent = true
    return noAnswer
  })
  producer.commitTransaction().catch(() => {})
  await cluster.waitFor(() => isSilent)
  expect(producer.health().isReady).toBe(true)
  await cluster.waitFor(() => !producer.health().isReady, { timeoutMs: 9000 })
  const nodeId = cluster.coordinatorOf('x')
  expect(producer.health().problems).toMatchObject([{ nodeId }])
})
