// Acknowledgements on their way to a broker.

import { expect, test } from 'vitest'
import {
  PartitionAcknowledgements,
  PendingAcknowledgements,
} from '../../src/share-consumer/acknowledgements.ts'
import { acknowledgeTypes } from '../../src/share-consumer/share-record.ts'

const { ACCEPT, RELEASE, GAP } = acknowledgeTypes
const name = { topic: 't', topicId: 'id', partition: 0 }

function acknowledged(...given: [first: bigint, last: bigint, type: number][]): {
  batches: string[]
  offsets: bigint[]
} {
  const all = new PartitionAcknowledgements(name, false)
  for (const each of given) all.add(...each, 100)
  const batches = all.batches.map(
    ({ firstOffset, lastOffset, acknowledgeTypes: [type] }) =>
      `${firstOffset}-${lastOffset}: ${type}`,
  )
  return { batches, offsets: all.offsets }
}

test('neighbours of one kind go together, whatever their order', () => {
  const { batches, offsets } = acknowledged(
    [3n, 3n, ACCEPT],
    [4n, 4n, ACCEPT],
    [1n, 1n, ACCEPT],
    [2n, 2n, RELEASE],
    [5n, 7n, GAP],
  )
  expect(batches).toEqual([`1-1: ${ACCEPT}`, `2-2: ${RELEASE}`, `3-4: ${ACCEPT}`, `5-7: ${GAP}`])
  expect(offsets).toEqual([1n, 2n, 3n, 4n])
})

test('an offset that is acknowledged twice is sent once, as it was said last', () => {
  const { batches, offsets } = acknowledged(
    [1n, 1n, ACCEPT],
    [2n, 2n, ACCEPT],
    [3n, 3n, ACCEPT],
    [2n, 2n, RELEASE],
  )
  expect(batches).toEqual([`1-1: ${ACCEPT}`, `2-2: ${RELEASE}`, `3-3: ${ACCEPT}`])
  expect(offsets).toEqual([1n, 2n, 3n])
})

test('those of one partition go together, although each response names it anew', () => {
  const pending = new PendingAcknowledgements(false)
  for (let offset = 0n; offset < 4n; offset++) {
    pending.add(offset < 2n ? name : { ...name }, offset, offset, ACCEPT, 100, 1)
  }
  const [all, ...others] = pending.take().values()
  expect(others).toEqual([])
  expect(all.offsets).toEqual([0n, 1n, 2n, 3n])
  expect(pending.isEmpty).toBe(true)
  pending.add(name, 9n, 9n, ACCEPT, 100, 2)
  expect([...pending.take().values()].map((each) => each.offsets)).toEqual([[9n]])
})

test('those whose locks are over are taken out, and the others stay', async () => {
  const pending = new PendingAcknowledgements(false)
  const other = { ...name, partition: 1 }
  pending.add(name, 0n, 0n, ACCEPT, 50, 1)
  pending.add(name, 1n, 1n, ACCEPT, 60, 1)
  pending.add(other, 7n, 7n, ACCEPT, 50, 1)
  const [ofOther] = pending.all().filter((each) => each.name.partition === 1)
  expect(pending.takeLate(49)).toEqual([])
  const late = pending.takeLate(50)
  expect(late.map(({ offsets }) => offsets)).toEqual([[0n], [7n]])
  // What watches all of a partition that are late is told.
  expect(late).toContain(ofOther)
  pending.add(other, 8n, 8n, ACCEPT, 90, 51)
  expect([...pending.take().values()].map(({ offsets }) => offsets)).toEqual([[1n], [8n]])
})
