// Topics that the broker's own log cleaner has gone over: offsets with nothing at them, batches without
// records, tombstones that are gone. What we deliver is what Java delivers, and positions pass all of it.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { shownJavaRecord, shownRecord } from './shown.ts'

/** Every batch is a segment of its own; cleaned at once. */
const configs = {
  'cleanup.policy': 'compact',
  'segment.ms': 1,
  'min.cleanable.dirty.ratio': 0.001,
  'delete.retention.ms': 0,
}

for (const version of ['2.8.2', '4.4.0'] as const) {
  describeReal(`a compacted topic on Kafka ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })

    afterAll(async () => {
      await kafka?.close()
      java?.close()
    })

    test('is delivered with its gaps, as Java delivers it, and its cleaned tail is passed', async () => {
      const topic = await java.createTopic(uniqueName('compacted'), { configs })
      const write = async (
        values: Record<string, string | null>,
        transaction?: 'commit' | 'abort',
      ) => {
        const records = Object.entries(values).map(([key, value]) => ({ key, value }))
        if (transaction === undefined) await java.produce(topic, records)
        else {
          const config = { 'transactional.id': uniqueName('tx') }
          await java.produce(topic, records, { config, transaction })
        }
      }
      const keys = (from: number, to: number, value: string | null) =>
        Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`k${from + i}`, value]))
      const isolation = 'read_committed'
      // The cleaner may have come between two writes already, and then takes tombstones the next time.
      const cleaned = (what: string, most: number) =>
        waitUntil(what, async () => {
          const records = await java.consume(topic, { isolation })
          return records.length <= most ? records : null
        })
      await write(keys(0, 10, 'first'))
      await write(keys(0, 5, 'second'), 'commit')
      await write(keys(0, 3, 'aborted'), 'abort')
      await write(keys(0, 20, 'third'))
      await write(keys(2, 18, null), 'commit')
      await write({ k0: 'fourth' })
      await cleaned('only the last of each key is left', 21)
      // A tombstone goes when the cleaner comes for the second time.
      await write({ other: 'x' })
      // The segment that is written to is never cleaned; in it is the marker alone.
      await write({ k0: 'fifth' }, 'abort')
      const expected = await cleaned('the tombstones are gone', 5)
      expect(expected.map(({ key, value }) => `${key}=${value}`)).toEqual([
        'k1=third',
        'k18=third',
        'k19=third',
        'k0=fourth',
        'other=x',
      ])
      const [end] = (await java.offsets(topic)).values()

      const consumer = kafka.consumer({
        isolationLevel: isolation,
        autoOffsetReset: 'none',
        // A new position waits for the fetch that is under way.
        fetchMaxWaitMs: 10,
      })
      const place = { topic, partition: 0 }
      // From the beginning, and from every offset that nothing stands at any more.
      for (let offset = 0n; offset <= end; offset += 1n) {
        consumer.assign([{ ...place, offset }])
        const stop = new AbortController()
        const got: unknown[] = []
        const reading = (async () => {
          for await (const record of consumer.records({ signal: stop.signal })) {
            got.push(shownRecord(record))
          }
        })()
        await waitUntil(
          'the position is at the end',
          async () => (await consumer.position(place)) === end && consumer.lag(place) === 0n,
          { intervalMs: 5 },
        )
        stop.abort()
        await reading.catch((error) => expect(error).toBe(stop.signal.reason))
        const wanted = expected.filter((record) => record.offset >= offset).map(shownJavaRecord)
        expect(got, `from ${offset}`).toEqual(wanted)
      }
      await consumer.close()
    })
  })
}
