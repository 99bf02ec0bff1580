// The protocol toolkit on real brokers: everything that Java's programs and our client say passes through
// the proxy, is decoded, and is encoded again to the same bytes; segments that a broker wrote are printed
// line by line as Kafka's own kafka-dump-log prints them.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeForDump, dumpLines } from '../../src/cli/dump-log.ts'
import { KafkaProxy, type PassedFrame } from '../../src/cli/proxy.ts'
import { Kafka } from '../../src/kafka.ts'
import {
  decodeGroupRecord,
  decodeTransactionRecord,
  encodeGroupRecord,
  encodeTransactionRecord,
  type GroupRecord,
  type TransactionRecord,
  transactionStates,
} from '../../src/records/coordinator-records.ts'
import { decodeBatch } from '../../src/records/decode-batch.ts'
import {
  baseOffsetOf,
  decodeOffsetIndex,
  decodeTimeIndex,
  decodeTransactionIndex,
  readLogSegment,
} from '../../src/records/log-segment.ts'
import { isControl } from '../../src/records/record-batch.ts'
import {
  decodeShareStateRecord,
  encodeShareStateRecord,
  type ShareStateRecord,
} from '../../src/records/share-state-records.ts'
import type { ClusterAddress } from '../harness/cluster.ts'
import { runTool } from '../harness/command-tool.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { runScript } from '../harness/kafka-scripts.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { checkPassedFrames } from './passed-frames.ts'

/** The first segments of a topic's partitions, in the folders of brokers that run here. */
function segmentsOf(topic: string): string[] {
  const found: string[] = []
  for (const cluster of readdirSync(tmpdir()).filter((name) => name.startsWith('kafkawire-'))) {
    for (const node of ['node-0', 'node-1', 'node-2']) {
      const data = join(tmpdir(), cluster, node, 'data')
      if (!existsSync(data)) continue
      for (const folder of readdirSync(data).filter((name) => name.startsWith(`${topic}-`))) {
        const file = join(data, folder, '00000000000000000000.log')
        if (existsSync(file)) found.push(file)
      }
    }
  }
  return found
}

/** The first segment of a topic's partition 0, in the folder of a broker that runs here. */
function segmentOf(topic: string): string {
  for (const cluster of readdirSync(tmpdir()).filter((name) => name.startsWith('kafkawire-'))) {
    for (const node of ['node-0', 'node-1', 'node-2']) {
      const file = join(tmpdir(), cluster, node, 'data', `${topic}-0`, '00000000000000000000.log')
      if (existsSync(file)) return file
    }
  }
  throw new Error(`no segment of ${topic}`)
}

/** The records of a segment that are not control records. */
async function* recordsOf(path: string): AsyncGenerator<{ key: Buffer; value: Buffer | null }> {
  for await (const { bytes } of readLogSegment(path)) {
    const { attributes, records } = await decodeBatch(bytes)
    if (isControl(attributes)) continue
    for (const { key, value } of records) if (key !== null) yield { key, value }
  }
}

/** As kafka-dump-log shows values: int64 as numbers, bytes as base64. */
function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]))
}

/** Records of a group in a topic of coordinators, decoded here and by kafka-dump-log. */
async function sameAsKafkas(
  topic: string,
  group: string,
  decoder: string,
  decode: (key: Buffer, value: Buffer | null) => { value: unknown },
): Promise<void> {
  let compared = 0
  for (const path of segmentsOf(topic)) {
    const ours: { value: unknown }[] = []
    for await (const { key, value } of recordsOf(path)) {
      if (key.includes(group)) ours.push(decode(key, value))
    }
    if (ours.length === 0) continue
    const lines = await runTool('4.4.0', 'org.apache.kafka.tools.DumpLogSegments', [
      ...['--files', path, decoder],
    ])
    const theirs = lines
      .map((line) => / key: (\{.*\}) payload: (.*)$/.exec(line))
      .filter((match) => match !== null)
      .filter(([, key]) => key.includes(group))
    expect(theirs).toHaveLength(ours.length)
    for (const [index, [, key, payload]] of theirs.entries()) {
      expect(shown(ours[index])).toMatchObject(JSON.parse(key).data)
      const value = JSON.parse(payload.replace(/^(<DELETE>|)$/, 'null'))
      if (value === null) expect(ours[index].value).toBeNull()
      else expect(shown(ours[index].value)).toMatchObject(value.data)
      compared++
    }
  }
  console.log(`${compared} records of ${topic} are as kafka-dump-log shows them`)
  expect(compared).toBeGreaterThan(1)
}

for (const version of ['4.4.0', '3.9.2'] as const) {
  describeReal(`the protocol toolkit on Kafka ${version}`, () => {
    let cluster: ClusterAddress
    let java: JavaTools

    beforeAll(async () => {
      cluster = await sharedCluster(version)
      java = await javaTools(cluster)
    })

    afterAll(() => java?.close())

    test('all that passes the proxy is decoded, and encoded to the same bytes', async () => {
      const topic = await java.createTopic(uniqueName('proxied'), { partitions: 3 })
      const [host, port] = cluster.bootstrapServers.split(',')[0].split(':')
      const passed: PassedFrame[] = []
      const proxy = new KafkaProxy({
        listen: { host: '127.0.0.1', port: 0 },
        to: { host, port: Number(port) },
        onFrame: (frame) => passed.push(frame),
      })
      const bound = await proxy.start()
      const servers = `${bound.host}:${bound.port}`
      try {
        const bootstrap = ['--bootstrap-server', servers]
        const tools = 'org.apache.kafka.tools'
        await runTool(version, `${tools}.VerifiableProducer`, [
          ...bootstrap,
          ...['--topic', topic, '--max-messages', '500', '--acks', '-1'],
        ])
        await runTool(version, `${tools}.TransactionalMessageCopier`, [
          ...['--broker-list', servers, '--input-topic', topic, '--input-partition', '0'],
          ...['--output-topic', topic, '--max-messages', '50', '--consumer-group', topic],
          ...['--transaction-size', '10', '--transactional-id', topic],
        ]).catch(() => [])
        await runTool(version, `${tools}.consumer.ConsoleConsumer`, [
          ...bootstrap,
          ...['--topic', topic, '--from-beginning', '--max-messages', '300'],
        ])
        await runTool(version, `${tools}.TopicCommand`, [...bootstrap, '--describe'])
        await runTool(version, `${tools}.consumer.group.ConsumerGroupCommand`, [
          ...bootstrap,
          ...['--describe', '--all-groups'],
        ])
        await runTool(version, `${tools}.LogDirsCommand`, [...bootstrap, '--describe'])
        const kafka = new Kafka({ bootstrapServers: servers })
        const producer = kafka.producer()
        await producer.send({ topic, value: 'ours' })
        await kafka.close()
      } finally {
        await proxy.close()
      }
      const { kinds, forgotten } = checkPassedFrames(passed)
      expect(forgotten).toBeGreaterThan(20)
      console.log(`${version}: ${forgotten} tagged fields were forgotten and written back`)
      console.log(`${version}: ${passed.length} frames of ${kinds.size} kinds passed the proxy`)
      expect(kinds.size).toBeGreaterThan(25)
    })

    test('a segment is printed as kafka-dump-log prints it', async () => {
      const topic = await java.createTopic(uniqueName('dumped'), {
        configs: { 'index.interval.bytes': 100 },
      })
      const records = Array.from({ length: 40 }, (_, index) => ({
        key: index % 3 === 0 ? null : `key ${index}`,
        value: index % 5 === 0 ? null : `value ${index}`,
        headers: [
          ['a', 'b'],
          ['c', null],
        ].slice(0, index % 3) as [string, string | null][],
      }))
      for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        await java.produce(topic, records, { config: { 'compression.type': codec } })
      }
      for (const transaction of ['commit', 'abort'] as const) {
        const config = { 'transactional.id': uniqueName('tx') }
        await java.produce(topic, records, { config, transaction })
      }
      const path = segmentOf(topic)
      const main =
        version === '3.9.2'
          ? 'kafka.tools.DumpLogSegments'
          : 'org.apache.kafka.tools.DumpLogSegments'
      const kafkas = await runTool(version, main, ['--files', path, '--print-data-log'])
      const ours: string[] = []
      for await (const batch of readLogSegment(path)) {
        ours.push(...dumpLines(await decodeForDump(batch, {}), true))
      }
      expect(ours.length).toBeGreaterThan(280)
      expect(ours).toEqual(kafkas.filter((line) => /^(baseOffset|\| offset)/.test(line)))

      // The indexes point at batches of the segment.
      const starts = new Map<number, bigint>()
      for await (const { position, baseOffset } of readLogSegment(path)) {
        starts.set(position, baseOffset)
      }
      const sibling = (suffix: string): Buffer => readFileSync(path.replace(/log$/, suffix))
      const index = decodeOffsetIndex(sibling('index'), baseOffsetOf(path))
      expect(index.length).toBeGreaterThan(0)
      for (const { position } of index) expect(starts.has(position), `${position}`).toBe(true)
      const times = decodeTimeIndex(sibling('timeindex'), baseOffsetOf(path))
      expect(times.length).toBeGreaterThan(0)
      for (const { timestamp } of times) expect(timestamp).toBeGreaterThan(1_600_000_000_000n)
      expect(decodeTransactionIndex(sibling('txnindex'))).toHaveLength(1)
      expect(basename(path)).toBe('00000000000000000000.log')
    })

    test('records of coordinators are decoded, and encoded to the same bytes', async () => {
      const topic = await java.createTopic(uniqueName('kept'), {})
      const groupId = uniqueName('group')
      const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
      const transactionalId = uniqueName('tx')
      await java.produce(topic, [{ value: 'a' }], {
        config: { 'transactional.id': transactionalId },
        transaction: 'commit',
      })
      const consumer = kafka.consumer({ groupId, autoOffsetReset: 'earliest' })
      consumer.subscribe([topic])
      for await (const record of consumer) {
        await consumer.commit(record)
        break
      }
      await kafka.close()

      if (version === '4.4.0') {
        const modern = new Kafka({ bootstrapServers: cluster.bootstrapServers })
        const member = modern.consumer({
          groupId: `${groupId}-848`,
          groupProtocol: 'consumer',
          autoOffsetReset: 'earliest',
          topics: [topic],
        })
        for await (const record of member) {
          await member.commit(record)
          break
        }
        await modern.close()
        const share = `${groupId}-share`
        await runScript(
          cluster,
          'kafka-configs',
          '--alter',
          '--group',
          share,
          '--add-config',
          'share.auto.offset.reset=earliest',
        )
        await runTool(version, 'org.apache.kafka.tools.consumer.ConsoleShareConsumer', [
          ...['--bootstrap-server', cluster.internalServers, '--topic', topic, '--group', share],
          ...['--max-messages', '1', '--timeout-ms', '60000'],
        ])
      }

      const groups: GroupRecord[] = []
      const transactions: TransactionRecord[] = []
      const shares: ShareStateRecord[] = []
      for (const path of segmentsOf('__consumer_offsets')) {
        for await (const { key, value } of recordsOf(path)) {
          const record = decodeGroupRecord(key, value)
          expect(encodeGroupRecord(record), path).toEqual({ key, value })
          groups.push(record)
        }
      }
      for (const path of segmentsOf('__transaction_state')) {
        for await (const { key, value } of recordsOf(path)) {
          const record = decodeTransactionRecord(key, value)
          expect(encodeTransactionRecord(record), path).toEqual({ key, value })
          transactions.push(record)
        }
      }
      for (const path of segmentsOf('__share_group_state')) {
        for await (const { key, value } of recordsOf(path)) {
          const record = decodeShareStateRecord(key, value)
          expect(encodeShareStateRecord(record), path).toEqual({ key, value })
          shares.push(record)
        }
      }
      const commits = groups.filter((each) => each.type === 'OffsetCommit')
      expect(commits).toContainEqual(
        expect.objectContaining({
          group: groupId,
          topic,
          partition: 0,
          value: expect.objectContaining({ offset: 1n }),
        }),
      )
      const states = transactions.filter((each) => each.transactionalId === transactionalId)
      const names = states.map(({ value }) => transactionStates[value?.transactionStatus ?? -1])
      expect(names).toContain('Ongoing')
      expect(names).toContain('PrepareCommit')
      const types = new Set(groups.map(({ type }) => type))
      expect(types).not.toContain('Other')
      if (version !== '4.4.0') {
        expect(types).toContain('GroupMetadata')
        return
      }
      for (const type of ['ConsumerGroup', 'ShareGroup']) {
        for (const rest of ['Metadata', 'MemberMetadata', 'CurrentMemberAssignment']) {
          expect(types).toContain(`${type}${rest}`)
        }
      }
      expect(new Set(shares.map(({ type }) => type))).toContain('ShareSnapshot')
      await sameAsKafkas(
        '__consumer_offsets',
        `${groupId}-848`,
        '--offsets-decoder',
        (key, value) => decodeGroupRecord(key, value),
      )
      await sameAsKafkas(
        '__share_group_state',
        `${groupId}-share`,
        '--share-group-state-decoder',
        decodeShareStateRecord,
      )
    })
  })
}
