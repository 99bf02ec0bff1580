// CRC-32C by every implementation that this machine has, and CRC-32.

import Module from 'node:module'
import { describe, expect, test, vi } from 'vitest'
import { crc32 } from '../../src/records/crc32.ts'
import { crc32c, crc32cCandidates, crc32cImplementation } from '../../src/records/crc32c.ts'
import { loadVectors } from '../vectors/load.ts'

interface CrcVector {
  kind: string
  data: string
  crc32c: number
  crc32: number
}

const vectors = loadVectors<CrcVector>('hashes')
  .filter(({ kind }) => kind === 'crc')
  .map((vector) => ({ ...vector, bytes: Buffer.from(vector.data, 'base64') }))

describe('CRC', () => {
  test('there are vectors, short and long', () => {
    const lengths = vectors.map(({ bytes }) => bytes.length)
    expect(Math.min(...lengths)).toBeLessThan(16)
    expect(Math.max(...lengths)).toBeGreaterThan(128)
  })

  test.each(vectors)('CRC-32C of $data', ({ bytes, ...expected }) => {
    expect(crc32c(bytes)).toBe(expected.crc32c)
    expect(crc32c(Uint8Array.from(bytes))).toBe(expected.crc32c)
    for (const [name, compute] of crc32cCandidates()) {
      expect([name, compute(bytes)]).toEqual([name, expected.crc32c])
    }
  })

  test.each(vectors)('CRC-32 of $data', ({ bytes, ...expected }) => {
    expect(crc32(bytes)).toBe(expected.crc32)
  })

  test('a part of a buffer is that part alone, at any alignment', () => {
    const data = Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 31) & 255))
    for (let start = 0; start < 20; start++) {
      for (const length of [0, 1, 15, 16, 17, 127, 128, 129, 1000]) {
        const view = data.subarray(start, start + length)
        const copy = Uint8Array.from(view)
        expect(crc32c(view)).toBe(crc32c(copy))
        expect(crc32(data, start, start + length)).toBe(crc32(copy))
        for (const [, compute] of crc32cCandidates()) expect(compute(view)).toBe(crc32c(copy))
      }
    }
  })

  test.each([
    [['sse4_crc32'], ['@node-rs/crc32', 'javascript']],
    [['@node-rs/crc32'], ['fast-crc32c', 'javascript']],
    [['sse4_crc32', '@node-rs/crc32'], ['javascript']],
  ])('without %j the others serve', async (hidden, left) => {
    const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown }
    const load = loader._load
    const spy = vi.spyOn(loader, '_load').mockImplementation(function (
      this: unknown,
      name,
      ...rest
    ) {
      if (hidden.includes(name)) throw new Error(`Cannot find module '${name}'`)
      return load.call(this, name, ...rest)
    })
    vi.resetModules()
    const without = await import('../../src/records/crc32c.ts')
    const data = Buffer.alloc(1000, 'crc')
    expect(without.crc32c(data)).toBe(crc32c(data))
    expect(left).toContain(without.crc32cImplementation())
    expect(without.crc32cCandidates().every(([name]) => left.includes(name))).toBe(true)
    spy.mockRestore()
    vi.resetModules()
  })

  test('the first candidate is the one in use', () => {
    expect(crc32cImplementation()).toBe(crc32cCandidates()[0][0])
    expect(crc32cCandidates().at(-1)?.[0]).toBe('javascript')
  })
})
