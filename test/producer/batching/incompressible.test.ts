// Bytes that no codec makes smaller: a record that fits as it is must not be refused because its compressed
// form is larger.

import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { compressionTypes } from '../../../src/compression/codec.ts'
import { BatchBuilder } from '../../../src/records/batch-builder.ts'
import { compressionOf } from '../../../src/records/record-batch.ts'
import { batchesOf, startCluster, startProducer } from '../with-producer.ts'

const SMALL = 5000
/** More than the codecs that work off the main thread do on it. */
const LARGE = 700_000

test.each(
  compressionTypes.flatMap((type) => [
    { type, bytes: SMALL },
    { type, bytes: LARGE },
  ]),
)(
  '$type: a record of $bytes random bytes that fits uncompressed is sent',
  async ({ type, bytes }) => {
    const cluster = await startCluster()
    const value = randomBytes(bytes)
    const builder = new BatchBuilder(bytes)
    builder.append(null, value, [], Date.now())
    const configs = { 'max.message.bytes': String(builder.sizeInBytes) }
    cluster.createTopic('tight', { partitions: 1, configs })
    const producer = startProducer(cluster, { compressionType: type })
    await producer.send({ topic: 'tight', value })
    const [batch] = await batchesOf(cluster, 'tight')
    expect(batch.records[0].value?.equals(value)).toBe(true)
    expect(compressionOf(batch.attributes)).toBe('none')
  },
)

test.each(compressionTypes)('%s: what gets smaller is compressed', async (compressionType) => {
  const cluster = await startCluster()
  const producer = startProducer(cluster, { compressionType })
  await producer.send({ topic: 't', value: 'text '.repeat(100) })
  const [batch] = await batchesOf(cluster)
  expect(compressionOf(batch.attributes)).toBe(compressionType)
})
