// What acquired records hold of memory: it is bounded, whatever batches decompress to. The records of a compressed
// batch lie on one memory: what one handler does with its value takes nothing away from the others.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { seen, shareConsumerOf, startShareCluster } from './harness.ts'

const COUNT = 200
const MIB = 1024 * 1024

/** Bytes of buffers that are still reachable. */
function reachableBytes(): number {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  gc()
  gc()
  return process.memoryUsage().arrayBuffers
}

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
  'a value that is transferred to a worker takes no other record along (%s)',
  async (compressionType) => {
    const cluster = await startShareCluster()
    const builder = new BatchBuilder(1_000_000)
    const values = Array.from({ length: COUNT }, (_, i) => `${i}`.padStart(100, '-'))
    for (const value of values) builder.append('key', value, [{ key: 'h', value }], 1)
    cluster.partition('t', 0).append(await builder.finish({ ...noProducer, compressionType }))
    const got: string[] = []
    for await (const record of shareConsumerOf(cluster).records()) {
      const memory = record.value?.buffer as ArrayBuffer
      try {
        structuredClone(memory, { transfer: [memory] })
      } catch (error) {
        // Newer versions of Node refuse, older ones copy.
        expect((error as Error).name).toBe('DataCloneError')
      }
      got.push(`${seen(record)} ${record.headers.get('h')}`)
      if (got.length === COUNT) break
    }
    expect(got).toEqual(values.map((value) => `${value}@1 ${value}`))
  },
)

test('of batches that decompress to a hundred times fetchMaxBytes, a few are in memory at once', async () => {
  const cluster = await startShareCluster({ topics: { t: 4 } })
  const batches = 40
  for (let i = 0; i < batches; i++) {
    const builder = new BatchBuilder(3 * MIB)
    builder.append(`${i}`, Buffer.alloc(2 * MIB), [], 1)
    const bomb = await builder.finish({ ...noProducer, compressionType: 'gzip' })
    cluster.partition('t', i % 4).append(bomb)
  }
  const before = reachableBytes()
  let most = 0
  const keys = new Set<string>()
  for await (const record of shareConsumerOf(cluster, { fetchMaxBytes: MIB }).records()) {
    keys.add(String(record.rawKey))
    if (keys.size % 5 === 1) most = Math.max(most, reachableBytes() - before)
    if (keys.size === batches) break
  }
  expect(most).toBeLessThan(12 * MIB)
}, 60_000)
