// The files that a broker of 4.4.0 has written, line by line as kafka-dump-log prints them: segments of
// __consumer_offsets with groups of all types (a program of Kafka Streams among them), __transaction_state,
// __share_group_state and __cluster_metadata, snapshots, and offset, time and transaction indexes.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeForDump, dumpLines, indexLine } from '../../src/cli/dump-log.ts'
import {
  decodeAssignment,
  decodeSubscription,
  type MemberAssignment,
} from '../../src/consumer/group/consumer-protocol.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import {
  decodeGroupRecord,
  decodeTransactionRecord,
  encodeGroupRecord,
  encodeTransactionRecord,
} from '../../src/records/coordinator-records.ts'
import { decodeBatch } from '../../src/records/decode-batch.ts'
import {
  baseOffsetOf,
  decodeOffsetIndex,
  decodeTimeIndex,
  decodeTransactionIndex,
  readLogSegment,
} from '../../src/records/log-segment.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../../src/records/metadata-records.ts'
import { isControl } from '../../src/records/record-batch.ts'
import {
  decodeShareStateRecord,
  encodeShareStateRecord,
} from '../../src/records/share-state-records.ts'
import type { TopicPartition } from '../../src/types.ts'
import { type CommandTool, runTool, startTool } from '../harness/command-tool.ts'
import { compileJava } from '../harness/java.ts'
import { type RealCluster, startCluster, uniqueName } from '../harness/real.ts'
import { packages } from './run-peer.ts'

const VERSION = '4.4.0'
const DUMP = 'org.apache.kafka.tools.DumpLogSegments'

let cluster: RealCluster
const topic = uniqueName('kept')

beforeAll(async () => {
  cluster = await startCluster({
    version: VERSION,
    nodes: 1,
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'true',
      'group.coordinator.rebalance.protocols': 'classic,consumer,share,streams',
    },
  })
  await changeMetadata()
  await fillTopics()
  await runStreams()
  // Nothing is written any more: both readers see the same files.
  await cluster.terminate(cluster.nodes[0].nodeId)
})

afterAll(() => cluster?.stop())

/** Requests that make controllers write records of most types. */
async function changeMetadata(): Promise<void> {
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  const admin = kafka.admin()
  const other = uniqueName('gone')
  await admin.createTopics([
    { topic, numPartitions: 2, configs: { 'index.interval.bytes': '100' } },
    { topic: other, numPartitions: 1 },
  ])
  await admin.createPartitions([{ topic, totalCount: 3 }])
  await admin.deleteTopics([other])
  await kafka.close()
  const bootstrap = ['--bootstrap-server', cluster.internalServers]
  const configure = (...args: string[]): Promise<string[]> =>
    runTool(VERSION, 'org.apache.kafka.tools.ConfigCommand', [...bootstrap, '--alter', ...args])
  const user = ['--entity-type', 'users', '--entity-name', 'alice']
  await configure(...user, '--add-config', 'SCRAM-SHA-256=[iterations=4096,password=secret]')
  await configure(...user, '--add-config', 'producer_byte_rate=1024')
  await configure(...user, '--delete-config', 'producer_byte_rate')
  await configure(
    '--entity-type',
    'topics',
    '--entity-name',
    topic,
    '--add-config',
    'retention.ms=1',
  )
  await configure(
    '--entity-type',
    'topics',
    '--entity-name',
    topic,
    '--delete-config',
    'retention.ms',
  )
  const acl = ['--allow-principal', 'User:alice', '--operation', 'Read', '--topic', topic]
  const acls = 'org.apache.kafka.tools.AclCommand'
  await runTool(VERSION, acls, [...bootstrap, '--add', ...acl])
  await runTool(VERSION, acls, [...bootstrap, '--remove', '--force', ...acl])
}

/** Records, transactions, and groups of all types but Kafka Streams'. */
async function fillTopics(): Promise<void> {
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  const producer = kafka.producer({ compressionType: 'lz4' })
  for (let at = 0; at < 60; at++) await producer.send({ topic, key: `k${at % 3}`, value: `v${at}` })
  await producer.close()
  const writer = kafka.producer({ transactionalId: uniqueName('tx') })
  for (const fails of [false, true, false]) {
    await writer
      .transaction(async (transaction) => {
        await transaction.send({ topic, value: 'in a transaction' })
        if (fails) throw new Error('aborted on purpose')
      })
      .catch((error: Error) => expect(String(error)).toContain('on purpose'))
  }
  for (const groupProtocol of ['classic', 'consumer'] as const) {
    const consumer = kafka.consumer({
      groupId: `${topic}-${groupProtocol}`,
      groupProtocol,
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    for await (const record of consumer) {
      await consumer.commit(record)
      break
    }
  }
  await kafka.close()
  const share = `${topic}-share`
  const bootstrap = ['--bootstrap-server', cluster.internalServers]
  await runTool(VERSION, 'org.apache.kafka.tools.ConfigCommand', [
    ...[...bootstrap, '--alter', '--entity-type', 'groups', '--entity-name', share],
    ...['--add-config', 'share.auto.offset.reset=earliest'],
  ])
  await runTool(VERSION, 'org.apache.kafka.tools.consumer.ConsoleShareConsumer', [
    ...[...bootstrap, '--topic', topic, '--group', share],
    ...['--max-messages', '10', '--timeout-ms', '60000'],
  ])
}

/** Two members of a group of Kafka Streams, one after the other. */
async function runStreams(): Promise<void> {
  const jars = join(packages, 'streams/*')
  const classes = await compileJava(['StreamsGroup.java'], jars)
  const folder = await mkdtemp(join(tmpdir(), 'kafkawire-streams-'))
  const output = `${topic}-counts`
  const bootstrap = ['--bootstrap-server', cluster.internalServers]
  const create = ['--create', '--topic', output, '--partitions', '1']
  await runTool(VERSION, 'org.apache.kafka.tools.TopicCommand', [...bootstrap, ...create])
  const members: CommandTool[] = []
  try {
    for (const [state, ms] of [
      ['a', '20000'],
      ['b', '8000'],
    ]) {
      const args = [
        cluster.internalServers,
        `${topic}-streams`,
        topic,
        output,
        join(folder, state),
        ms,
      ]
      const member = await startTool(VERSION, 'StreamsGroup', args, [classes, jars])
      members.push(member)
      await member.waitForLine((line) => line === 'running', 120_000)
    }
    for (const member of members) await member.ended(120_000)
  } finally {
    for (const member of members) await member.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The files of a kind in the folders of the partitions of topics that begin so. */
function filesOf(prefix: string, suffix: string): string[] {
  const data = join(cluster.nodes[0].folder, 'data')
  return readdirSync(data)
    .filter((name) => name.startsWith(`${prefix}-`))
    .flatMap((name) => readdirSync(join(data, name)).map((file) => join(data, name, file)))
    .filter((file) => file.endsWith(suffix))
    .sort()
}

function dump(path: string, ...args: string[]): Promise<string[]> {
  return runTool(VERSION, DUMP, ['--files', path, ...args], { timeoutMs: 120_000 })
}

/** As kafka-dump-log shows values: int64 as numbers, bytes as base64. */
function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]))
}

/** Records that are not control records, in the order of the segment. */
async function recordsOf(path: string): Promise<{ key: Buffer | null; value: Buffer | null }[]> {
  const found: { key: Buffer | null; value: Buffer | null }[] = []
  for await (const { bytes } of readLogSegment(path)) {
    const { attributes, records } = await decodeBatch(bytes)
    if (!isControl(attributes)) found.push(...records)
  }
  return found
}

function byTopic(partitions: readonly TopicPartition[]): unknown[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  }
  return [...topics].map(([topic, numbers]) => ({ topic, partitions: numbers }))
}

function withTopics({ assignedPartitions, userData }: MemberAssignment): object {
  return { assignedPartitions: byTopic(assignedPartitions), userData }
}

/** kafka-dump-log shows what members of classic groups have said, too. */
function withBlobs(record: unknown): unknown {
  const value = Reflect.get(Object(record), 'value') as {
    members?: object[]
    protocolType?: string
  }
  if (value?.members === undefined || value.protocolType !== 'consumer') return record
  const members = value.members.map((member) => {
    const { subscription, assignment } = member as { subscription: Buffer; assignment: Buffer }
    const { ownedPartitions, ...subscribed } = decodeSubscription(subscription)
    return {
      ...member,
      subscription: { ...subscribed, ownedPartitions: byTopic(ownedPartitions) },
      assignment: assignment.length === 0 ? {} : withTopics(decodeAssignment(assignment)),
    }
  })
  return { ...Object(record), value: { ...value, members } }
}

const transactionStates = [
  ...['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort'],
  ...['Dead', 'PrepareEpochFence'],
]

/** kafka-dump-log shows the state of a transaction by its name. */
function withStateName(record: unknown): unknown {
  const value = Reflect.get(Object(record), 'value') as { transactionStatus?: number } | null
  if (typeof value?.transactionStatus !== 'number') return record
  const transactionStatus = transactionStates[value.transactionStatus]
  return { ...Object(record), value: { ...value, transactionStatus } }
}

interface Codec {
  readonly decoder: string
  decode(key: Buffer, value: Buffer | null): { type?: string; value: unknown }
  encode(record: never): { key: Buffer; value: Buffer | null }
}

const codecs: Record<string, Codec> = {
  __consumer_offsets: {
    decoder: '--offsets-decoder',
    decode: (key, value) => decodeGroupRecord(key, value),
    encode: encodeGroupRecord,
  },
  __transaction_state: {
    decoder: '--transaction-log-decoder',
    decode: decodeTransactionRecord,
    encode: encodeTransactionRecord,
  },
  __share_group_state: {
    decoder: '--share-group-state-decoder',
    decode: decodeShareStateRecord,
    encode: encodeShareStateRecord,
  },
}

describe.each(Object.keys(codecs))('%s', (name) => {
  test('each record is as kafka-dump-log decodes it, and is encoded to the same bytes', async () => {
    const { decoder, decode, encode } = codecs[name]
    const types: Record<string, number> = {}
    for (const path of filesOf(name, '.log')) {
      const records = await recordsOf(path)
      if (records.length === 0) continue
      const theirs = (await dump(path, decoder))
        .map((line) => / key: (\{.*?\}) payload: (.*)$/.exec(line))
        .filter((match) => match !== null)
      expect(theirs).toHaveLength(records.length)
      for (const [index, [, key, payload]] of theirs.entries()) {
        const { key: keyBytes, value } = records[index]
        if (keyBytes === null) throw new Error('a record without a key')
        const ours = decode(keyBytes, value)
        expect(encode(ours as never)).toEqual({ key: keyBytes, value })
        expect(shown(ours)).toMatchObject(JSON.parse(key).data)
        const type = ours.type ?? name
        types[type] = (types[type] ?? 0) + 1
        if (payload === '<DELETE>') {
          expect(ours.value).toBeNull()
          continue
        }
        const expected = JSON.parse(payload)
        expect(shown(withStateName(withBlobs(ours)))).toMatchObject({ value: expected.data })
      }
    }
    console.log(name, types)
    expect(types).not.toHaveProperty('Other')
    if (name !== '__consumer_offsets') return
    for (const type of [
      ...['OffsetCommit', 'GroupMetadata', 'ConsumerGroupMetadata', 'ConsumerGroupMemberMetadata'],
      ...['ShareGroupMetadata', 'ShareGroupStatePartitionMetadata', 'StreamsGroupMetadata'],
      ...['StreamsGroupMemberMetadata', 'StreamsGroupTargetAssignmentMetadata'],
      ...['StreamsGroupTargetAssignmentMember', 'StreamsGroupCurrentMemberAssignment'],
      'StreamsGroupTopology',
    ]) {
      expect(types).toHaveProperty(type)
    }
  })
})

/** The text in the form that kafka-dump-log has for names of records: TOPIC_RECORD. */
function upperCase(name: string): string {
  return name.replaceAll(/(?<!^)(?=[A-Z])/g, '_').toUpperCase()
}

test('__cluster_metadata: each record is as kafka-dump-log decodes it', async () => {
  const types: Record<string, number> = {}
  for (const path of [
    ...filesOf('__cluster_metadata', '.log'),
    ...filesOf('__cluster_metadata', '.checkpoint'),
  ]) {
    const records = await recordsOf(path)
    const theirs = (await dump(path, '--cluster-metadata-decoder'))
      .map((line) => / payload: (\{.*\})$/.exec(line)?.[1])
      .filter((text) => text !== undefined)
    expect(theirs).toHaveLength(records.length)
    for (const [index, text] of theirs.entries()) {
      const { value } = records[index]
      if (value === null) throw new Error('a record without a value')
      const ours = decodeMetadataRecord(value)
      if (ours.type === 'Other') throw new Error(`type ${ours.apiKey}`)
      expect(encodeMetadataRecord(ours)).toEqual(value)
      const { type, version, data } = JSON.parse(text)
      expect(upperCase(ours.type)).toBe(type)
      expect(ours.version).toBe(version)
      expect(shown(ours.value)).toMatchObject(data)
      types[ours.type] = (types[ours.type] ?? 0) + 1
    }
  }
  console.log(types)
  expect(Object.keys(types).length).toBeGreaterThan(14)
})

test.each(['__cluster_metadata', '__consumer_offsets', '__transaction_state', topic])(
  '%s: segments and indexes are printed line by line',
  async (name) => {
    let lines = 0
    for (const path of filesOf(name, '.log')) {
      const ours: string[] = []
      for await (const batch of readLogSegment(path)) {
        ours.push(...dumpLines(await decodeForDump(batch, {}), true))
      }
      if (ours.length === 0) continue
      // Values that are not text may have line breaks.
      const isText = name === topic || name === '__cluster_metadata'
      const theirs = await dump(
        path,
        ...(isText && name === topic ? ['--print-data-log'] : ['--deep-iteration']),
      )
      const printed = name === topic ? ours : ours.map((line) => withoutContent(line))
      expect(printed).toEqual(theirs.filter((line) => /^(baseOffset|\| offset)/.test(line)))
      lines += printed.length
    }
    const indexes = {
      '.index': (bytes: Buffer, base: bigint) => decodeOffsetIndex(bytes, base),
      '.timeindex': (bytes: Buffer, base: bigint) => decodeTimeIndex(bytes, base),
      '.txnindex': (bytes: Buffer) => decodeTransactionIndex(bytes),
    }
    let entries = 0
    for (const [suffix, decode] of Object.entries(indexes)) {
      for (const path of filesOf(name, suffix)) {
        const ours = decode(readFileSync(path), baseOffsetOf(path)).map(indexLine)
        // kafka-dump-log fails on an index without a byte.
        if (statSync(path).size === 0) {
          expect(ours).toEqual([])
          continue
        }
        const theirs = (await dump(path)).filter((line) =>
          /^(offset|timestamp|version): /.test(line),
        )
        // Of an index without entries it prints the zeros of the file.
        expect(
          theirs.filter((line) => !/^(offset: 0 position: 0|timestamp: 0 offset: 0)$/.test(line)),
        ).toEqual(ours.filter((line) => line !== 'timestamp: 0 offset: 0'))
        entries += ours.length
      }
    }
    console.log(`${name}: ${lines} lines of segments, ${entries} entries of indexes`)
    expect(lines).toBeGreaterThan(5)
  },
)

/** Without the content of a record that is not a control record, as without --print-data-log. */
function withoutContent(line: string): string {
  return line.replace(/(headerKeys: \[[^\]]*\])(?: key: | payload: )[\s\S]*$/, '$1')
}
