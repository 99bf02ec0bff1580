// Transactions of Kafka's own Java producers, one inside the other on many partitions, as we read them:
// exactly what was written, and what the Java consumer sees, under both isolation levels.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Consumer, ConsumerOptions } from '../../src/index.ts'
import { Kafka } from '../../src/kafka.ts'
import { Random } from '../chaos/random.ts'
import type { JavaConfig, JavaStep, JavaTools } from '../harness/java-tools.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { byPlace, shownPlaces } from './shown.ts'

const partitionCount = 6
const levels = ['read_uncommitted', 'read_committed'] as const

/** `partition@offset=value` of each record that was written, and how its transaction ended. */
interface Written {
  partition: number
  offset: bigint
  value: string
  end: 'commit' | 'abort' | 'open' | 'none'
}

interface Script {
  producers: JavaConfig[]
  steps: JavaStep[]
  /** For each step: how what it sends ends. */
  ends: Written['end'][]
}

/**
 * Four transactional producers and one without transactions take turns; every choice follows from the
 * seed. Transactions are of 0 to 60 records, on one partition or on all. Two are open at the end.
 */
function makeScript(seed: number, turns: number): Script {
  const random = new Random(seed)
  const codecs = ['none', 'lz4', 'gzip', 'zstd', 'none']
  const producers = codecs.map((codec, i) => ({
    'compression.type': codec,
    'batch.size': 400,
    'max.in.flight.requests.per.connection': 1,
    ...(i < 4 && { 'transactional.id': uniqueName('java'), 'transaction.timeout.ms': 600_000 }),
  }))
  const steps: JavaStep[] = []
  const ends: Written['end'][] = []
  const begun: number[][] = producers.map(() => [])
  const isOpen = producers.map(() => false)
  let next = 0
  const add = (step: JavaStep): void => {
    steps.push(step)
    ends.push(step.producer === 4 ? 'none' : 'open')
  }
  const send = (producer: number): void => {
    const narrow = random.next() < 0.3 ? random.below(partitionCount) : null
    const records = Array.from({ length: 1 + random.below(20) }, () => ({
      partition: narrow ?? random.below(partitionCount),
      value: `${next++} ${'x'.repeat(random.below(120))}`,
    }))
    begun[producer].push(steps.length)
    add({ producer, act: 'send', records })
  }
  const end = (producer: number): void => {
    const act = random.next() < 0.5 ? 'commit' : 'abort'
    add({ producer, act })
    for (const step of begun[producer]) ends[step] = act
    isOpen[producer] = false
  }
  for (let turn = 0; turn < turns; turn++) {
    const producer = random.below(5)
    if (producer === 4) send(producer)
    else if (!isOpen[producer]) {
      add({ producer, act: 'begin' })
      isOpen[producer] = true
      begun[producer] = []
    } else if (random.next() < 0.6) send(producer)
    else end(producer)
  }
  for (const producer of [0, 1, 2, 3]) if (isOpen[producer]) end(producer)
  // Late enough that there is something before them in each partition.
  for (const producer of [1, 3]) {
    add({ producer, act: 'begin' })
    begun[producer] = []
    send(producer)
  }
  send(4)
  return { producers, steps, ends }
}

function written({ steps, ends }: Script, offsets: bigint[][]): Written[] {
  return steps.flatMap((step, i) => {
    if (step.act !== 'send') return []
    return step.records.map(({ partition = -1, value }, r) => {
      return { partition, offset: offsets[i][r], value: String(value), end: ends[i] }
    })
  })
}

for (const [version, nodes] of [
  ['4.4.0', 1],
  ['4.4.0', 3],
  ['3.9.2', 1],
  ['2.8.2', 1],
] as const) {
  describeReal(`transactions of Java on ${nodes} x ${version}`, () => {
    let java: JavaTools
    let kafka: Kafka

    beforeAll(async () => {
      const cluster = await sharedCluster(version, nodes)
      java = await javaTools(cluster)
      kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    })
    afterAll(async () => {
      java?.close()
      await kafka?.close()
    })

    function open(options: ConsumerOptions): Consumer {
      const consumer = kafka.consumer({ autoOffsetReset: 'earliest', ...options })
      onTestFinished(() => consumer.close())
      return consumer
    }

    test.each([1, 2, 3])('are read as written, seed %i', async (seed) => {
      const topic = await java.createTopic(uniqueName('txn'), { partitions: partitionCount })
      const script = makeScript(seed, 250)
      const all = written(script, await java.runSteps(topic, script.producers, script.steps))
      const count = (end: Written['end']): number => all.filter((one) => one.end === end).length
      expect(Math.min(count('commit'), count('abort'), count('none'))).toBeGreaterThan(100)
      expect(count('open')).toBeGreaterThan(0)
      // Read_committed ends before the first record of an open transaction, whoever wrote what follows.
      const ends = await java.offsets(topic, 'latest', 'read_committed')
      for (const { partition, offset } of all.filter(({ end }) => end === 'open')) {
        expect(ends.get(partition)).toBeLessThanOrEqual(offset)
      }
      const visible = {
        read_uncommitted: all,
        read_committed: all.filter(
          ({ end, partition, offset }) => end !== 'abort' && offset < (ends.get(partition) ?? 0n),
        ),
      }
      const places = Array.from({ length: partitionCount }, (_, partition) => ({
        topic,
        partition,
        offset: 0n,
      }))
      for (const isolationLevel of levels) {
        const expected = shownPlaces(visible[isolationLevel])
        expect(shownPlaces(await java.consume(topic, { isolation: isolationLevel }))).toEqual(
          expected,
        )
        // Whole partitions in one answer, and answers that end in the middle of a transaction.
        for (const maxPartitionFetchBytes of [1_048_576, 600]) {
          const consumer = open({ isolationLevel, maxPartitionFetchBytes })
          consumer.assign(places)
          const got: Written[] = []
          const loop = consumer.records()
          for await (const { partition, offset, value } of loop) {
            got.push({ partition, offset, value: String(value), end: 'none' })
            if (got.length < expected.length) continue
            loop.markDone()
            break
          }
          expect(shownPlaces(got)).toEqual(expected)
          // Behind the last record come markers only, and what is not decided.
          await expect(
            consumer.records({ signal: AbortSignal.timeout(300) }).next(),
          ).rejects.toThrow('timeout')
          const logEnds = await java.offsets(topic, 'latest', isolationLevel)
          for (const place of places) {
            expect(await consumer.position(place)).toBe(logEnds.get(place.partition))
          }
        }
      }
      // From anywhere: the broker tells of what was aborted for what is fetched, not from the beginning.
      const consumer = open({ isolationLevel: 'read_committed' })
      for (const place of places) {
        const expected = visible.read_committed.filter((one) => one.partition === place.partition)
        const middle = expected.sort(byPlace)[Math.floor(expected.length / 2)].offset
        consumer.assign([{ ...place, offset: middle + 1n }])
        const rest = expected.filter(({ offset }) => offset > middle)
        const got: { partition: number; offset: bigint; value: unknown }[] = []
        for await (const record of consumer) {
          got.push(record)
          if (got.length === rest.length) break
        }
        expect(shownPlaces(got)).toEqual(shownPlaces(rest))
      }
    })

    test('commit offsets that a group goes on from once they are decided', async () => {
      const topic = await java.createTopic(uniqueName('offsets'), { partitions: 1 })
      const groupId = uniqueName('group')
      const values = Array.from({ length: 10 }, (_, i) => ({ partition: 0, value: String(i) }))
      await java.produce(topic, values)
      const [first, second] = [uniqueName('java'), uniqueName('java')]
      const producers: JavaConfig[] = [
        { 'transactional.id': first },
        { 'transactional.id': second, 'transaction.timeout.ms': 15_000 },
      ]
      // Brokers before 3.0 do not tell.
      const isOpen = async (id: string): Promise<boolean> => {
        const found = (await java.transactions()).find((one) => one.transactionalId === id)
        return found?.state === 'Ongoing'
      }
      await java.runSteps(topic, producers, [
        { producer: 0, act: 'begin' },
        { producer: 0, act: 'offsets', groupId, offsets: { 0: 3n } },
        { producer: 0, act: 'commit' },
        { producer: 0, act: 'begin' },
        { producer: 0, act: 'offsets', groupId, offsets: { 0: 5n } },
        { producer: 0, act: 'abort' },
        // The broker aborts this one when its time is up: till then nobody may go on from 3 either.
        { producer: 1, act: 'begin' },
        { producer: 1, act: 'offsets', groupId, offsets: { 0: 7n } },
      ])
      if (version !== '2.8.2') expect(await isOpen(second)).toBe(true)
      const consumer = open({ groupId, topics: [topic] })
      const { value: record } = await consumer.records().next()
      if (version !== '2.8.2') expect(await isOpen(second)).toBe(false)
      expect(String(record?.value)).toBe('3')
      expect(await consumer.committed()).toMatchObject([{ offset: 3n }])
    })
  })
}
