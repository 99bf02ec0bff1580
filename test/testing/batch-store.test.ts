import { expect, test } from 'vitest'
import { BatchStore } from '../../src/testing/batch-store.ts'

function filled(sizes: number[]): BatchStore {
  const store = new BatchStore()
  sizes.forEach((size, i) => {
    store.append(Buffer.alloc(size, i + 1), BigInt(i * 10), BigInt(i * 10 + 9), 0n)
  })
  return store
}

test('finds the batch that holds an offset, or the next one behind a hole', () => {
  const store = new BatchStore()
  store.append(Buffer.alloc(1), 0n, 4n, 0n)
  store.append(Buffer.alloc(1), 10n, 14n, 0n)
  expect([0n, 4n, 5n, 10n, 14n, 15n].map((offset) => store.indexOf(offset))).toEqual([
    0, 0, 1, 1, 1, 2,
  ])
})

test('reads across its segments as if there were none', () => {
  const sizes = Array.from({ length: 40 }, (_, i) => 1000 + i * 300)
  const store = filled(sizes)
  const all = Buffer.concat(sizes.map((size, i) => Buffer.alloc(size, i + 1)))
  expect(store.endPosition).toBe(all.length)
  expect(store.read(0, all.length).equals(all)).toBe(true)
  for (let at = 0; at < all.length; at += 4999) {
    const length = Math.min(30_000, all.length - at)
    expect(store.read(at, length).equals(all.subarray(at, at + length))).toBe(true)
  }
})

test('bytes that were read before a truncation stay as they were', () => {
  const store = filled([100, 100, 100])
  const before = store.read(0, 300)
  const copy = Buffer.from(before)
  store.truncateAt(1)
  store.append(Buffer.alloc(100, 9), 10n, 19n, 0n)
  expect(before.equals(copy)).toBe(true)
  expect(store.read(0, 200)).toEqual(Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(100, 9)]))
  store.truncateAt(1)
  store.truncateAt(0)
  expect(store.endPosition).toBe(0)
  store.append(Buffer.alloc(5, 7), 0n, 0n, 0n)
  expect(store.read(0, 5)).toEqual(Buffer.alloc(5, 7))
})

test('dropping the head keeps the positions of the rest', () => {
  const sizes = Array.from({ length: 60 }, () => 3000)
  const store = filled(sizes)
  store.dropBefore(50)
  expect(store.all.length).toBe(10)
  expect(store.bytesOf(store.all[0])).toEqual(Buffer.alloc(3000, 51))
  expect(store.positionOf(590n)).toBe(59 * 3000)
  store.dropBefore(10)
  store.append(Buffer.alloc(4, 8), 600n, 600n, 0n)
  expect(store.bytesOf(store.all[0])).toEqual(Buffer.alloc(4, 8))
})
