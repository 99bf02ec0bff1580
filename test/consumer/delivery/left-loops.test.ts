// Loops that were neither read to their end nor returned when their consumer was closed.

import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { shareConsumerOf, startShareCluster } from '../../share-consumer/harness.ts'
import { consumerOf, fill } from '../harness.ts'

interface Looping {
  next(): Promise<unknown>
}

test.each(['records', 'batches', 'partitions', 'share records', 'share batches'])(
  'a signal that outlives the consumer does not keep it in memory: %s',
  async (kind) => {
    const cluster = await startShareCluster()
    await fill(cluster, 't', 0, 2)
    const consumer = consumerOf(cluster)
    consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
    const share = shareConsumerOf(cluster)
    const { signal } = new AbortController()
    const loops: Record<string, () => Looping> = {
      records: () => consumer.records({ signal }),
      batches: () => consumer.batches({ signal }),
      partitions: () => consumer.partitions({ signal }),
      'share records': () => share.records({ signal }),
      'share batches': () => share.batches({ signal }),
    }
    const loop = loops[kind]()
    await loop.next()
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await Promise.all([consumer.close(), share.close()])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(await loop.next()).toEqual({ done: true, value: undefined })
  },
)
