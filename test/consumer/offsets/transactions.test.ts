import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { encodeEndTransactionMarker } from '../../../src/records/control-record.ts'
import { encodeBatch } from '../../../src/records/encode-batch.ts'
import { attributeBits } from '../../../src/records/record-batch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, take } from '../harness.ts'

const t0 = { topic: 't', partition: 0 }

/** One record in a transaction, or the marker that ends it. */
async function part(pid: number, value: string | null): Promise<Buffer> {
  const { transactional, control } = attributeBits
  const record =
    value === null
      ? encodeEndTransactionMarker('ABORT', 0)
      : { key: null, value: Buffer.from(value) }
  return encodeBatch({
    baseOffset: 0n,
    partitionLeaderEpoch: 0,
    attributes: value === null ? transactional | control : transactional,
    lastOffsetDelta: 0,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: BigInt(pid),
    producerEpoch: 0,
    baseSequence: value === null ? -1 : 0,
    records: [{ timestampDelta: 0n, offsetDelta: 0, headers: [], ...record }],
  })
}

describe('reading only what is committed', () => {
  let cluster: TestCluster
  beforeEach(async () => {
    cluster = await TestCluster.start({ topics: { t: 1 } })
  })
  afterEach(() => cluster.close())

  it('leaves out aborted records, and asks for that', async () => {
    const log = cluster.partition('t', 0)
    await fill(cluster, 't', 0, 1)
    log.append(await part(7, 'aborted'))
    log.append(await part(7, null))
    await fill(cluster, 't', 0, 1)
    cluster.intercept(fetch, async ({ next, request }) => {
      expect(request.isolationLevel).toBe(1)
      const answer = await next()
      for (const topic of answer.responses) {
        for (const partition of topic.partitions) {
          partition.abortedTransactions = [{ producerId: 7n, firstOffset: 1n }]
        }
      }
      return answer
    })
    const consumer = consumerOf(cluster, { isolationLevel: 'read_committed' })
    consumer.assign([t0])
    expect(await take(consumer, 2)).toEqual(['t-0:0', 't-0:3'])
    await consumer.close()
  })

  it('delivers everything otherwise, but no markers; the position passes them', async () => {
    const log = cluster.partition('t', 0)
    log.append(await part(7, 'aborted'))
    log.append(await part(7, null))
    const consumer = consumerOf(cluster, { groupId: 'g' })
    consumer.assign([t0])
    const records = consumer.records()
    const { value } = await records.next()
    expect(value?.offset).toBe(0n)
    const waiting = records.next()
    await cluster.waitFor(() => consumer.lag(t0) === 0n)
    await consumer.close()
    expect((await waiting).done).toBe(true)
    expect(cluster.committedOffset('g', 't', 0)).toBe(2n)
  })
})
