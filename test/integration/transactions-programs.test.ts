// Our transactions, as the programs that come with each Kafka read them: the console consumer prints the
// very values, in the order of each partition, and the performance test counts them, with read_committed
// and with read_uncommitted.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { Random } from '../chaos/random.ts'
import {
  countByPerformanceTest,
  type PrintedRecord,
  readByConsole,
} from '../harness/java-programs.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import {
  type ClusterAddress,
  describeReal,
  javaTools,
  sharedCluster,
  uniqueName,
} from '../harness/real.ts'
import { codecs, type OurRecord, writeTransactions } from './our-transactions.ts'
import { shownPlaces } from './shown.ts'

const partitionCount = 6
const levels = ['read_committed', 'read_uncommitted'] as const

/** In the order of printing, which is that of the log for each partition. */
function printed(records: readonly PrintedRecord[]): string[] {
  return [...records]
    .sort((a, b) => a.partition - b.partition)
    .map(({ partition, offset, value }) => `${partition}@${offset}=${value}`)
}

for (const version of ['4.4.0', '3.9.2', '2.8.2'] as const) {
  describeReal(`the programs of Kafka ${version}`, () => {
    let cluster: ClusterAddress
    let java: JavaTools
    let kafka: Kafka
    let topic: string
    let written: OurRecord[]

    beforeAll(async () => {
      cluster = await sharedCluster(version)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
      topic = await java.createTopic(uniqueName('programs'), { partitions: partitionCount })
      const producers = codecs.map((compressionType) =>
        kafka.producer({ transactionalId: uniqueName('ours'), compressionType }),
      )
      written = await writeTransactions(producers, topic, partitionCount, new Random(5))
      // One more in each partition, behind all others: who has read it has read all.
      await producers[0].transaction(async (tx) => {
        const ends = Array.from({ length: partitionCount }, async (_, partition) => {
          const { offset } = await tx.send({ topic, partition, value: 'end' })
          written.push({ partition, offset, value: 'end', isCommitted: true })
        })
        await Promise.all(ends)
      })
      await Promise.all(producers.map((producer) => producer.close()))
    })
    afterAll(async () => {
      await kafka?.close()
      java?.close()
    })

    function visible(isolation: (typeof levels)[number]): OurRecord[] {
      return written.filter(({ isCommitted }) => isCommitted || isolation === 'read_uncommitted')
    }

    test.each(levels)('print what we wrote, and nothing else, with %s', async (isolation) => {
      const expected = shownPlaces(visible(isolation))
      expect(expected.length).toBeGreaterThan(500)
      const isAll = (records: readonly PrintedRecord[]): boolean =>
        records.filter(({ value }) => value === 'end').length === partitionCount
      const found = await readByConsole(cluster, topic, { isolation, isAll })
      expect(printed(found)).toEqual(expected)
    })

    test('count what we wrote, and nothing else', async () => {
      const count = (isolation: (typeof levels)[number]): Promise<number> =>
        countByPerformanceTest(cluster, topic, {
          isolation,
          atMost: written.length,
          idleMs: 20_000,
        })
      const [committed, all] = await Promise.all(levels.map(count))
      expect({ committed, all }).toEqual({
        committed: visible('read_committed').length,
        all: written.length,
      })
      expect(committed).toBeLessThan(all - 500)
    })
  })
}
