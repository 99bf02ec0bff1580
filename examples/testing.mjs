// A test of your own code on the in-process broker, with node:test: run it with `node --test testing.mjs`.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Kafka } from 'kafkawire'
import { produce } from 'kafkawire/protocol'
import { disconnect, TestCluster } from 'kafkawire/testing'

/** The code under test. */
async function placeOrder(producer, order) {
  const { offset } = await producer.send({ topic: 'orders', value: JSON.stringify(order) })
  return offset
}

let cluster
let kafka

before(async () => {
  cluster = await TestCluster.start({ topics: { orders: 1 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
})

after(async () => {
  await kafka.close()
  await cluster.close()
})

test('an order is written once, even when the response gets lost', async () => {
  let calls = 0
  cluster.intercept(produce, async ({ next }) => {
    const response = await next()
    calls++
    return calls === 1 ? disconnect : response
  })
  assert.equal(await placeOrder(kafka.producer(), { total: 9.5 }), 0n)
  assert.equal(calls, 2)
  assert.equal(cluster.partition('orders', 0).highWatermark, 1n)
})
