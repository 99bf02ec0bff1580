// What a Metadata response costs grows with its size, and no response ends the process.

import { expect, test } from 'vitest'
import { BrokerPool } from '../../src/cluster/broker-pool.ts'
import { MetadataView } from '../../src/cluster/metadata.ts'
import type { BrokerMetadata } from '../../src/cluster/metadata-snapshot.ts'
import { ClosedError } from '../../src/errors.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'

function brokers(count: number): Map<number, BrokerMetadata> {
  const map = new Map<number, BrokerMetadata>()
  for (let nodeId = 0; nodeId < count; nodeId++) {
    map.set(nodeId, { nodeId, host: `b${nodeId}`, port: 9092, rack: null })
  }
  return map
}

// It took 110 s: the limits leave room for a machine that is busy.
test('100,000 brokers come and go', { timeout: 60_000 }, async () => {
  const pool = new BrokerPool(resolveKafkaOptions({ bootstrapServers: 'a:1' }))
  const startedAt = performance.now()
  pool.setBrokers(brokers(100_000))
  // An outage is logged and is the cause of each record's error: it does not list them all.
  expect(pool.unreachable(1000).split('\n').length).toBeLessThan(30)
  expect(pool.unreachable(1000)).toMatch(/and \d+ more$/)
  pool.setBrokers(brokers(1))
  expect(performance.now() - startedAt).toBeLessThan(30_000)
  expect(pool.has(0)).toBe(true)
  expect(pool.has(1)).toBe(false)
  await pool.close(new ClosedError('x'))
})

test('a response that names more brokers than any cluster has is refused', () => {
  const view = new MetadataView()
  const broker = { nodeId: 1, host: 'b', port: 1, rack: null }
  const answer = {
    throttleTimeMs: 0,
    brokers: new Array<BrokerMetadata>(100_001).fill(broker),
    clusterId: 'c',
    controllerId: 1,
    topics: [],
    clusterAuthorizedOperations: 0,
    errorCode: 0,
  }
  const asked = { topics: null, keep: new Set<string>(), nodeId: -1, now: 0 }
  expect(view.accept(answer, asked).refused).toMatch(/names 100001 brokers/)
  expect(view.snapshot.brokers.size).toBe(0)
})
