// The round trip must find what is wrong: a broker that loses, changes or doubles one record of many.

import { expect, onTestFinished, test } from 'vitest'
import { generatedRecords } from '../../src/cli/record-source.ts'
import { type RoundtripResult, roundtrip } from '../../src/cli/roundtrip.ts'
import { Kafka } from '../../src/kafka.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { crc32c } from '../../src/records/crc32c.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

const count = 1000
const source = generatedRecords(count, 100)
const well = { missing: 0, doubled: 0, changed: 0, outOfOrder: 0, foreign: 0, examples: [] }

async function start(): Promise<TestCluster> {
  const cluster = await TestCluster.start({ topics: { t: 1 } })
  onTestFinished(() => cluster.close())
  return cluster
}

async function trip({ bootstrapServers }: TestCluster): Promise<RoundtripResult> {
  const kafka = new Kafka({ bootstrapServers })
  onTestFinished(() => kafka.close())
  const job = { kafka, source, topic: 't', partitions: 1, compressionType: 'none' } as const
  return roundtrip({ ...job, onProgress: () => {} })
}

/** Has every answer with the first batch of the log come changed, its checksum correct. */
function changeFirstBatch(cluster: TestCluster, change: (batch: Buffer) => Buffer): void {
  cluster.intercept(fetch, async ({ next }) => {
    const answer = await next()
    for (const partition of answer.responses.flatMap(({ partitions }) => partitions)) {
      const { records } = partition
      if (records === null || records.length === 0 || records.readBigInt64BE(0) !== 0n) continue
      const length = 12 + records.readInt32BE(8)
      const batch = change(Buffer.from(records.subarray(0, length)))
      batch.writeInt32BE(batch.length - 12, 8)
      batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
      partition.records = Buffer.concat([batch, records.subarray(length)])
    }
    return answer
  })
}

/** Where record `i` of a batch stands; each begins with its length as a varint. */
function recordAt(batch: Buffer, i: number): { start: number; end: number } {
  let start = 61
  for (let k = 0; ; k++) {
    let length = 0
    let at = start
    for (let shift = 0; ; shift += 7) {
      const byte = batch[at++]
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    const end = at + (length >> 1)
    if (k === i) return { start, end }
    start = end
  }
}

test('nothing is wrong with what comes back as it was', async () => {
  const { findings, produced, consumed } = await trip(await start())
  expect(findings).toEqual(well)
  expect([produced.records, consumed.records]).toEqual([count, count])
  expect([produced.bytes, consumed.bytes]).toEqual([count * 100, count * 100])
})

test('a record that a broker lost is missed and named', async () => {
  const cluster = await start()
  changeFirstBatch(cluster, (batch) => {
    const { start, end } = recordAt(batch, 3)
    batch.writeInt32BE(batch.readInt32BE(57) - 1, 57)
    return Buffer.concat([batch.subarray(0, start), batch.subarray(end)])
  })
  const { findings } = await trip(cluster)
  expect(findings).toEqual({
    ...well,
    missing: 1,
    examples: ['record 3 is the first of those missing'],
  })
})

test('a record with one other byte is found and named', async () => {
  const cluster = await start()
  changeFirstBatch(cluster, (batch) => {
    const at = batch.indexOf(source.value(3))
    expect(at).toBeGreaterThan(61)
    batch[at + 50] ^= 1
    return batch
  })
  const { findings } = await trip(cluster)
  expect(findings).toEqual({
    ...well,
    changed: 1,
    examples: ['partition 0, offset 3: record 3 has other bytes than were sent'],
  })
})

test('a record that stands there twice is found and named', async () => {
  const cluster = await start()
  const builder = new BatchBuilder(1000)
  builder.append('3', source.value(3), [], 1_700_000_000_000)
  const copy = await builder.finish({ ...noProducer, compressionType: 'none' })
  let isDoubled = false
  cluster.intercept(produce, async ({ next }) => {
    const answer = await next()
    if (!isDoubled) cluster.partition('t', 0).append(copy)
    isDoubled = true
    return answer
  })
  const { findings } = await trip(cluster)
  expect(findings).toMatchObject({ ...well, doubled: 1, examples: [expect.any(String)] })
  expect(findings.examples[0]).toMatch(/^partition 0, offset \d+: record 3 stands there once more$/)
})
