// The records of a compressed batch lie on one memory: what one handler does with its value takes nothing away
// from the others.

import { expect, test } from 'vitest'
import { BatchBuilder, noProducer } from '../../src/records/batch-builder.ts'
import { seen, shareConsumerOf, startShareCluster } from './harness.ts'

const COUNT = 200

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
