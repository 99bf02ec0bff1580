// What is kept of records whose handlers may change them: each as it came, and no more than is needed.

import { expect, test } from 'vitest'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { ConsumerRecord } from '../../src/records/consumer-record.ts'
import { rawSource } from '../../src/records/record-context.ts'
import { RecordsReader } from '../../src/records/records-reader.ts'

type Records = ConsumerRecord<Buffer | null, Buffer | null>[]

const COUNT = 100

/** Two batches of records of every shape. */
async function records(): Promise<Records> {
  const batches: Buffer[] = []
  for (let batch = 0; batch < 2; batch++) {
    const builder = new BatchBuilder(10_000_000)
    for (let i = 0; i < COUNT; i++) {
      const key = i % 3 === 0 ? null : `key ${i}`
      const value = i % 7 === 0 ? null : Buffer.alloc((i * 370) % 3000, i)
      const headers = Array.from({ length: i % 5 }, (_, h) => ({
        key: h % 2 === 0 ? '' : 'a'.repeat(h * 40),
        value: h % 3 === 0 ? null : Buffer.alloc((i * h) % 200, h),
      }))
      builder.append(key, value, headers, 1_700_000_000_000 + i * 1000)
    }
    batches.push(await builder.finish({ ...noProducer, compressionType: 'none' }))
  }
  const options = { checkCrcs: true, maxDecompressedBytes: 1e9 }
  const reader = new RecordsReader(Buffer.concat(batches), rawSource('t', 0), options)
  const all: Records = []
  for (let batch = reader.nextBatch(); batch !== null; batch = reader.nextBatch()) {
    await batch.open()
    all.push(...batch)
  }
  return all
}

test('the originals are the records as they came, in any order and of several batches', async () => {
  const [expected, changed] = [await records(), await records()]
  for (const record of changed) ConsumerRecord.preserve(record)
  for (const record of changed) {
    record.rawValue?.fill('x')
    record.rawKey?.fill('y')
  }
  const order = changed.map((_, i) => (i * 7) % changed.length)
  const picked = [order, [3], [COUNT + 1, 5, 4], order.slice(90, 120), []]
  for (const places of picked) {
    const originals = ConsumerRecord.originals(places.map((place) => changed[place]))
    const shown = JSON.stringify(originals)
    expect(shown).toBe(JSON.stringify(places.map((place) => expected[place])))
    // Once more, of what is a copy itself.
    expect(JSON.stringify(ConsumerRecord.originals(originals))).toBe(shown)
  }
})

test('one record of a large batch is copied without its neighbours', async () => {
  const all = await records()
  for (const record of all) ConsumerRecord.preserve(record)
  let most = 0
  for (const record of all) {
    const [original] = ConsumerRecord.originals([record])
    const { buffer } = original.rawValue ?? original.rawKey ?? Buffer.alloc(0)
    most = Math.max(most, buffer.byteLength - original.valueSize)
  }
  // Key, headers and lengths.
  expect(most).toBeLessThan(2000)
})
