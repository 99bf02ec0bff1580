// How often metadata is asked for because of its age alone.

import { expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { inVirtualTime } from '../virtual-time.ts'

const MINUTE = 60_000

/** Requests for metadata within a minute in which a producer has nothing to do. */
function askedWithinAMinute(options: { metadataMaxAgeMs: number; retryBackoffMs?: number }) {
  return inVirtualTime(1, async () => {
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, ...options })
    const producer = kafka.producer()
    await producer.send({ topic: 't', value: 'a' })
    cluster.clearRequests()
    await new Promise((resolve) => setTimeout(resolve, MINUTE))
    const asked = cluster.requests(metadata).length
    await producer.close()
    await kafka.close()
    await cluster.close()
    return asked
  })
}

test.each([
  // Once every retryBackoffMs at most: a minute of a millisecond each would be 60,000.
  { options: { metadataMaxAgeMs: 1 }, most: 600 },
  { options: { metadataMaxAgeMs: 1, retryBackoffMs: 1000 }, most: 60 },
  { options: { metadataMaxAgeMs: 10_000 }, most: 6 },
  { options: { metadataMaxAgeMs: Number.POSITIVE_INFINITY }, most: 0 },
])(
  'at most $most times a minute with $options',
  { timeout: 300_000 },
  async ({ options, most }) => {
    const asked = await askedWithinAMinute(options)
    expect(asked).toBeLessThanOrEqual(most)
    if (most > 0) expect(asked).toBeGreaterThan(most / 2)
  },
)
