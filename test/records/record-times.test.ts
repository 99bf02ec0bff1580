import { expect, test } from 'vitest'
import { BatchCallbacks } from '../../src/producer/batching/batch-callbacks.ts'
import { RecordMetadata } from '../../src/producer/record-metadata.ts'
import { BatchBuilder } from '../../src/records/batch-builder.ts'
import { RecordTimes } from '../../src/records/record-times.ts'

test('a record has the time of its run, asked for in order or not', () => {
  const times = new RecordTimes()
  expect(times.at(0)).toBe(-1)
  times.add(0, 1000)
  times.add(3, 999)
  times.add(4, 2000)
  const expected = [1000, 1000, 1000, 999, 2000, 2000]
  expect(expected.map((_, index) => times.at(index))).toEqual(expected)
  expect([5, 0, 3, 1, 4].map((index) => times.at(index))).toEqual([2000, 1000, 999, 1000, 2000])
})

test('a batch keeps the times of its records, and its children theirs', () => {
  const builder = new BatchBuilder(1000)
  const given = [50, 50, 40, 60, 60, 60, 50]
  for (const time of given) builder.append(null, 'value', [], time)
  expect(given.map((_, index) => builder.times().at(index))).toEqual(given)
  const children = builder.split(100)
  expect(children.length).toBeGreaterThan(1)
  const times = children.flatMap((child) =>
    Array.from({ length: child.count }, (_, index) => child.times().at(index)),
  )
  expect(times).toEqual(given)
})

test('who asks after the bytes are written over is told the times all the same', async () => {
  const given = [50, 40, 60]
  const builder = new BatchBuilder(1000)
  for (const time of given) builder.append(null, 'value', [], time)
  const deliveries = new BatchCallbacks()
  const promised = deliveries.promise(1)
  const observed: number[] = []
  const watched = new BatchCallbacks()
  watched.watch({ batchJoined() {}, batchDone() {} })
  const place = { topic: 't', partition: 0, baseOffset: 0n, logAppendTimeMs: -1 }
  const outcome = { place, error: null, recordErrors: null }
  deliveries.decide(outcome, builder, true)
  watched.decide(outcome, builder, false)
  builder.release((buffer) => buffer.fill(0xff))
  deliveries.report(3, (_error, { timestamp }) => observed.push(timestamp))
  deliveries.settle()
  watched.settle()
  expect(observed).toEqual(given)
  expect((await promised).timestamp).toBe(40)
  const asked = given.map((_, index) => watched.outcomeOf(index))
  expect(asked.map((told) => told instanceof RecordMetadata && told.timestamp)).toEqual(given)
})
