// Kafka's own Java client as a neutral witness: what it writes and reads is the truth that the client
// under test is judged by. Commands go over a local socket to one JVM (java/Witness.java).

import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { ClusterAddress } from './cluster.ts'
import { startTool } from './command-tool.ts'
import { classPath, type KafkaVersion } from './distribution.ts'
import { compileJava } from './java.ts'
import { askMetadata } from './probe.ts'
import { waitUntil } from './wait-until.ts'

/** A record for {@link JavaTools.produce}. Text stands for its UTF-8 bytes. */
export interface JavaProducerRecord {
  /** Default: what Java's partitioner chooses. */
  partition?: number
  /** Default: the time of sending. */
  timestamp?: number
  key?: string | Uint8Array | null
  value?: string | Uint8Array | null
  headers?: [key: string, value: string | Uint8Array | null][]
}

/** A record as the Java consumer read it. */
export interface JavaRecord {
  partition: number
  offset: bigint
  timestamp: number
  timestampType: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'
  /** -1 where the batch has none. */
  leaderEpoch: number
  key: Buffer | null
  value: Buffer | null
  headers: [key: string, value: Buffer | null][]
}

/** What one of several Java producers does next. */
export type JavaStep = { producer: number } & (
  | { act: 'begin' | 'commit' | 'abort' }
  | { act: 'send'; records: readonly JavaProducerRecord[] }
  /** In the transaction, for a group without members. */
  | { act: 'offsets'; groupId: string; offsets: Record<number, bigint> }
)

/** Java client settings, such as `{ 'compression.type': 'zstd' }`. */
export type JavaConfig = Record<string, string | number | boolean>

export interface TopicOptions {
  /** Default: 1. */
  partitions?: number
  /** Default: 3, or the number of nodes where it is less. */
  replicationFactor?: number
  /** The replicas of each partition, preferred leader first, instead of the two above. */
  assignments?: number[][]
  configs?: Record<string, string | number | boolean>
}

export interface TopicDescription {
  topicId: string
  partitions: { partition: number; leader: number; replicas: number[]; isr: number[] }[]
  configs: Record<string, string>
}

export interface GroupDescription {
  state: string
  assignor: string
  members: {
    memberId: string
    clientId: string
    groupInstanceId: string | null
    assignment: { topic: string; partition: number }[]
  }[]
}

/** The newest version whose Java client still speaks to brokers of this one. */
export function witnessVersion(version: KafkaVersion): KafkaVersion {
  return version === '1.1.1' ? '3.9.2' : '4.4.0'
}

/** A JVM that serves any number of {@link JavaTools}. */
export interface WitnessProcess {
  port: number
  stop(): Promise<void>
}

/** Starts a witness with the Java client of this version. */
export async function startWitness(version: KafkaVersion): Promise<WitnessProcess> {
  const sources = ['Witness', 'AdminOps', 'Admins', 'Dump', 'Transactions'].map(
    (name) => `${name}.java`,
  )
  const classes = await compileJava(sources, await classPath(version))
  const tool = await startTool(version, 'Witness', [], [classes])
  const line = await tool.waitForLine((line) => line.startsWith('port '))
  return { port: Number(line.slice('port '.length)), stop: () => tool.kill() }
}

/**
 * With several requests in flight, the Java producer of 4.4.0 now and then stands still on a new topic until its
 * delivery timeout.
 */
const steady: JavaConfig = { 'max.in.flight.requests.per.connection': 1 }

interface Waiting {
  parts: unknown[]
  resolve(answer: { result: unknown; parts: unknown[] }): void
  reject(error: Error): void
}

/** What a test asks Kafka's Java client to do on one cluster. */
export class JavaTools {
  readonly #socket: Socket
  readonly #cluster: ClusterAddress
  readonly #config: JavaConfig
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  /**
   * `config` is added to the settings of every Java client; with a `bootstrap.servers` in it, and
   * what security that listener asks for, the tools go there instead of to INTERNAL.
   */
  constructor(witnessPort: number, cluster: ClusterAddress, config: JavaConfig = {}) {
    this.#cluster = cluster
    this.#config = config
    this.#socket = connect(witnessPort, '127.0.0.1')
    createInterface(this.#socket).on('line', (line) => this.#handle(JSON.parse(line)))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () =>
      this.#fail(new Error('the connection to the witness was closed')),
    )
    // An idle witness does not keep the test process alive.
    this.#socket.unref()
  }

  /** Creates a topic, waits until every broker knows a leader of each partition, and gives its name. */
  async createTopic(topic: string, options: TopicOptions = {}): Promise<string> {
    const { partitions = 1, assignments, configs = {} } = options
    const replicationFactor = options.replicationFactor ?? Math.min(3, this.#cluster.nodes.length)
    await this.#run('createTopic', { topic, partitions, replicationFactor, assignments, configs })
    const count = assignments?.length ?? partitions
    await waitUntil(`every broker knows ${topic}`, async () => {
      const asked = this.#cluster.nodes.map((node) => askMetadata(node.internal, [topic]))
      const views = (await Promise.allSettled(asked)).filter((view) => view.status === 'fulfilled')
      const known = views.every(({ value }) => {
        const found = value.topics.get(topic)
        return found?.length === count && found.every(({ leader }) => leader !== -1)
      })
      return known && views.length > 0
    })
    return topic
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#run('deleteTopic', { topic })
  }

  async describeTopic(topic: string): Promise<TopicDescription> {
    return (await this.#run('describeTopic', { topic })) as TopicDescription
  }

  /** Raises the number of partitions to `count`. */
  async createPartitions(topic: string, count: number): Promise<void> {
    await this.#run('createPartitions', { topic, count })
  }

  /**
   * Writes records and gives where each went, in order. `transaction` writes them in a transaction of
   * `transactional.id` and ends it so; `open` leaves it to its timeout.
   */
  async produce(
    topic: string,
    records: readonly JavaProducerRecord[],
    options: { config?: JavaConfig; transaction?: 'commit' | 'abort' | 'open' } = {},
  ): Promise<{ partition: number; offset: bigint; timestamp: number }[]> {
    const { config = {}, transaction: end = 'none' } = options
    const encoded = records.map(encodeRecord)
    const result = await this.#run(
      'produce',
      { topic, records: encoded, end },
      { ...steady, ...config },
    )
    const written = result as { partition: number; offset: string; timestamp: string }[]
    return written.map(({ partition, offset, timestamp }) => ({
      partition,
      offset: BigInt(offset),
      timestamp: Number(timestamp),
    }))
  }

  /**
   * Several producers at once, each with settings of its own, whose steps are done one after the other:
   * for each step the offsets of its records. A transaction that no step ends is left to its timeout.
   */
  async runSteps(
    topic: string,
    producers: readonly JavaConfig[],
    steps: readonly JavaStep[],
  ): Promise<bigint[][]> {
    const encoded = steps.map((step) => {
      if (step.act === 'send') return { ...step, records: step.records.map(encodeRecord) }
      if (step.act !== 'offsets') return step
      const offsets = Object.entries(step.offsets).map(([key, offset]) => [key, String(offset)])
      return { ...step, offsets: Object.fromEntries(offsets) }
    })
    const result = await this.#run('runSteps', { topic, producers, steps: encoded })
    return (result as string[][]).map((offsets) => offsets.map(BigInt))
  }

  /**
   * Reads a topic from its beginning, to its end as it is now (with read_committed: the last stable
   * offset) or until `count` records are there. Ordered by partition and offset.
   */
  async consume(
    topic: string,
    options: {
      count?: number
      isolation?: 'read_committed' | 'read_uncommitted'
      timeoutMs?: number
      config?: JavaConfig
    } = {},
  ): Promise<JavaRecord[]> {
    const { count, isolation = 'read_uncommitted', timeoutMs = 60_000, config = {} } = options
    const settings = {
      'isolation.level': isolation,
      'allow.auto.create.topics': false,
      'enable.auto.commit': false,
      // A consumer's close waits for the fetch that is under way.
      'fetch.max.wait.ms': 20,
      ...config,
    }
    const { parts } = await this.#request('consume', { topic, count, timeoutMs }, settings)
    const records = (parts as EncodedRecord[][]).flat().map(decodeRecord)
    return records.sort((a, b) => a.partition - b.partition || (a.offset < b.offset ? -1 : 1))
  }

  /**
   * Writes to a file which records of a chaos load a topic holds (java/Dump.java), and gives their
   * number: for logs of millions of records.
   */
  async dump(topic: string, file: string, timeoutMs: number): Promise<number> {
    const settings = {
      'isolation.level': 'read_uncommitted',
      'allow.auto.create.topics': false,
      'enable.auto.commit': false,
      'fetch.max.wait.ms': 20,
    }
    const { result } = await this.#request('dump', { topic, file, timeoutMs }, settings)
    return result as number
  }

  /** Offsets by partition: the first, the end, or the first at or after a time (-1: there is none). */
  async offsets(
    topic: string,
    at: 'earliest' | 'latest' | number = 'latest',
    isolation: 'read_committed' | 'read_uncommitted' = 'read_uncommitted',
  ): Promise<Map<number, bigint>> {
    const result = await this.#run('offsets', { topic, at, isolation })
    const entries = Object.entries(result as Record<string, string>)
    return new Map(entries.map(([partition, offset]) => [Number(partition), BigInt(offset)]))
  }

  /** Deletes what lies before an offset, so that the log starts there. */
  async deleteRecords(topic: string, partition: number, beforeOffset: bigint): Promise<void> {
    await this.#run('deleteRecords', { topic, partition, beforeOffset: String(beforeOffset) })
  }

  async electLeader(
    topic: string,
    partition: number,
    type: 'preferred' | 'unclean' = 'preferred',
  ): Promise<void> {
    await this.#run('electLeader', { topic, partition, type })
  }

  /** Moves a partition to these replicas; returns when the move has begun. */
  async reassign(topic: string, partition: number, replicas: number[]): Promise<void> {
    await this.#run('reassign', { topic, partition, replicas })
  }

  /** Changes settings of a topic, a broker (by node id, '' is all) or a group; null is the default. */
  async alterConfigs(
    type: 'topic' | 'broker' | 'group',
    name: string,
    configs: Record<string, string | number | boolean | null>,
  ): Promise<void> {
    await this.#run('alterConfigs', { type, name, configs })
  }

  /** Sets quotas of a client id, such as `{ producer_byte_rate: 200_000 }`; null removes one. */
  async alterQuota(clientId: string, quotas: Record<string, number | null>): Promise<void> {
    await this.#run('alterQuota', { clientId, quotas })
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    return (await this.#run('describeGroup', { groupId })) as GroupDescription
  }

  /** The committed offsets of a group. */
  async groupOffsets(groupId: string): Promise<
    {
      topic: string
      partition: number
      offset: bigint
      leaderEpoch: number
      metadata: string
    }[]
  > {
    const result = await this.#run('groupOffsets', { groupId })
    type Committed = Awaited<ReturnType<JavaTools['groupOffsets']>>[number]
    const encoded = result as (Omit<Committed, 'offset'> & { offset: string })[]
    return encoded.map((committed) => ({ ...committed, offset: BigInt(committed.offset) }))
  }

  /** The node id of the active KRaft controller. */
  async quorumLeader(): Promise<number> {
    return (await this.#run('quorumLeader', {})) as number
  }

  /** All transactions that the brokers know. */
  async transactions(): Promise<{ transactionalId: string; producerId: string; state: string }[]> {
    for (;;) {
      try {
        const result = await this.#run('transactions', {})
        return result as { transactionalId: string; producerId: string; state: string }[]
      } catch (error) {
        // So Java's listTransactions() of 4.4.0 fails when a broker goes while it is being asked.
        if (!String(error).includes('Unexpected key set')) throw error
      }
    }
  }

  /** Closes the connection and with it the Java clients behind it. */
  close(): void {
    this.#socket.destroy()
  }

  async #run(op: string, fields: object, config: JavaConfig = {}): Promise<unknown> {
    return (await this.#request(op, fields, config)).result
  }

  #request(
    op: string,
    fields: object,
    config: JavaConfig,
  ): Promise<{ result: unknown; parts: unknown[] }> {
    const id = ++this.#lastId
    const servers = { 'bootstrap.servers': this.#cluster.internalServers }
    const request = { id, op, ...fields, config: { ...servers, ...this.#config, ...config } }
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new Error(`${op}: the connection to the witness is closed`))
        return
      }
      this.#waiting.set(id, {
        parts: [],
        resolve,
        reject: (cause) => reject(new Error(`Java ${op}: ${cause.message}`, { cause })),
      })
      this.#socket.ref()
      this.#socket.write(`${JSON.stringify(request)}\n`)
    })
  }

  #handle(answer: { id: number; part?: unknown; result?: unknown; error?: string }): void {
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    if (answer.part !== undefined) {
      waiting.parts.push(answer.part)
      return
    }
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) this.#socket.unref()
    if (answer.error !== undefined) waiting.reject(new Error(answer.error))
    else waiting.resolve({ result: answer.result, parts: waiting.parts })
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function encodeRecord({
  partition,
  timestamp,
  key,
  value,
  headers = [],
}: JavaProducerRecord): object {
  return {
    partition,
    timestamp: timestamp?.toString(),
    key: toBase64(key),
    value: toBase64(value),
    headers: headers.map(([name, content]) => [name, toBase64(content)]),
  }
}

interface EncodedRecord {
  partition: number
  offset: string
  timestamp: string
  timestampType: JavaRecord['timestampType']
  leaderEpoch: number
  key: string | null
  value: string | null
  headers: [string, string | null][]
}

function decodeRecord(record: EncodedRecord): JavaRecord {
  return {
    ...record,
    offset: BigInt(record.offset),
    timestamp: Number(record.timestamp),
    key: fromBase64(record.key),
    value: fromBase64(record.value),
    headers: record.headers.map(([key, value]) => [key, fromBase64(value)]),
  }
}

function toBase64(value: string | Uint8Array | null | undefined): string | null {
  if (value === null || value === undefined) return null
  return Buffer.from(value as Uint8Array).toString('base64')
}

function fromBase64(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}
