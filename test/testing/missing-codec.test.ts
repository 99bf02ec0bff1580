// A broker that runs where zstd is not installed (Node before 22.15 without the optional package).

import Module from 'node:module'
import { expect, test, vi } from 'vitest'
import { codecByName } from '../../src/compression/codecs.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { batchOffsets, recordBatchOverhead, writeCrc } from '../../src/records/record-batch.ts'
import { RawClient } from './raw-client.ts'
import { batch, produceTo } from './requests.ts'

test('batches of a codec that is not installed are stored as they came', async () => {
  const compressed = await zstdBatch(batch(['a', 'b']))
  const loader = Module as unknown as { _load(name: string, ...rest: unknown[]): unknown }
  const load = loader._load
  vi.spyOn(loader, '_load').mockImplementation(function (this: unknown, name, ...rest) {
    if (name.startsWith('@mongodb-js/zstd')) throw new Error(`Cannot find module '${name}'`)
    return load.call(this, name, ...rest)
  })
  const builtin = process.getBuiltinModule
  vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) => {
    const module = builtin.call(process, name) as object
    return name === 'node:zlib' ? { ...module, zstdCompressSync: undefined } : module
  }) as typeof process.getBuiltinModule)
  vi.resetModules()
  try {
    const { TestCluster } = await import('../../src/testing/test-cluster.ts')
    const cluster = await TestCluster.start({ topics: { t: 1 } })
    const client = await RawClient.connect(cluster.portOf(1))
    for (const baseOffset of [0n, 2n]) {
      const { responses } = await client.request(produce, 12, produceTo('t', 0, compressed))
      expect(responses[0].partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset })
    }
    client.close()
    // Rejects with what a handler threw.
    await cluster.close()
  } finally {
    vi.restoreAllMocks()
    vi.resetModules()
  }
})

async function zstdBatch(plain: Buffer): Promise<Buffer> {
  const { compress, id } = codecByName('zstd')
  const records = await compress(plain.subarray(recordBatchOverhead))
  const whole = Buffer.concat([plain.subarray(0, recordBatchOverhead), records])
  whole.writeInt32BE(whole.length - batchOffsets.partitionLeaderEpoch, batchOffsets.batchLength)
  whole.writeInt16BE(id, batchOffsets.attributes)
  writeCrc(whole, 0)
  return whole
}
