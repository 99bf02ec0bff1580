// Transactions of four of our producers at once, committed and aborted as a seed says, and what became of
// each record: what Kafka's own programs are asked to see likewise.

import type { Producer } from '../../src/index.ts'
import type { Random } from '../chaos/random.ts'

/** A record as it was acknowledged. */
export interface OurRecord {
  partition: number
  offset: bigint
  value: string
  isCommitted: boolean
}

export const codecs = ['none', 'lz4', 'zstd', 'gzip'] as const

/** Each producer ends 12 transactions of 0 to 200 records; about six in ten are committed. */
export async function writeTransactions(
  producers: readonly Producer[],
  topic: string,
  partitions: number,
  random: Random,
): Promise<OurRecord[]> {
  const written: OurRecord[] = []
  let next = 0
  const work = async (producer: Producer): Promise<void> => {
    for (let i = 0; i < 12; i++) {
      await producer.beginTransaction()
      const isCommitted = random.next() < 0.6
      const sending = Array.from({ length: random.below(200) }, async () => {
        const value = `${next++} ${'x'.repeat(random.below(300))}`
        const partition = random.below(partitions)
        const { offset } = await producer.send({ topic, partition, value })
        written.push({ partition, offset, value, isCommitted })
      })
      // An abort drops what is still waiting, so this one waits before it.
      if (!isCommitted) await Promise.all(sending)
      if (isCommitted) await producer.commitTransaction()
      else await producer.abortTransaction()
      await Promise.all(sending)
    }
  }
  await Promise.all(producers.map(work))
  return written
}
