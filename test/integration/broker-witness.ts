// One scenario, two brokers: the requests of a test go to Apache Kafka and to the test broker, and what
// no two brokers share (ids, ports, texts of errors) is made the same before the answers are compared.

import { afterAll, beforeAll, expect } from 'vitest'
import type { Api } from '../../src/protocol/api.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { RawClient } from '../testing/raw-client.ts'
import { produceTo } from '../testing/requests.ts'

/** One broker, spoken to through one connection, and what it answered so far. */
export class Witness {
  readonly answers: unknown[] = []
  private readonly names = new Map<string, string>()
  private readonly client: RawClient
  private readonly port: number

  constructor(client: RawClient, port: number) {
    this.client = client
    this.port = port
  }

  static async connect(port: number): Promise<Witness> {
    return new Witness(await RawClient.connect(port), port)
  }

  /** Another connection to the same broker; its answers are kept here. */
  async other(): Promise<RawClient> {
    return await RawClient.connect(this.port)
  }

  close(): void {
    this.client.close()
  }

  /** Asks, and keeps the answer for the comparison. */
  async ask<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<A> {
    const answer = await this.client.request(api, version, request)
    this.keep(api.name, answer)
    return answer
  }

  /** Asks for something that the comparison is not about. */
  async quietly<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<A> {
    return await this.client.request(api, version, request)
  }

  /** Appends a batch, which must succeed. */
  async write(topic: string, partition: number, records: Buffer): Promise<void> {
    const answer = await this.quietly(produce, 12, produceTo(topic, partition, records))
    expect(answer.responses[0].partitionResponses[0].errorCode).toBe(0)
  }

  keep(what: string, answer: unknown): void {
    this.answers.push([what, this.plain(answer, '')])
  }

  /** A topic of its own that is ready to be written to; in the comparison it is called `name`. */
  async topic(
    name: string,
    partitions = 1,
    configs: Record<string, string> = {},
  ): Promise<{ topic: string; topicId: string }> {
    const topic = this.name(name)
    const { topics } = await this.quietly(createTopics, 7, {
      topics: [
        {
          name: topic,
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    })
    expect(topics[0].errorCode).toBe(0)
    this.names.set(topics[0].topicId, `id of ${name}`)
    await waitUntil(`${topic} has leaders that know of it`, async () => {
      for (let partition = 0; partition < partitions; partition++) {
        const asked = { partitionIndex: partition, currentLeaderEpoch: -1, timestamp: -1n }
        const answer = await this.quietly(listOffsets, 7, {
          replicaId: -1,
          isolationLevel: 0,
          topics: [{ name: topic, partitions: [asked] }],
          timeoutMs: 0,
        })
        if (answer.topics[0].partitions[0].errorCode !== 0) return false
      }
      return true
    })
    return { topic, topicId: topics[0].topicId }
  }

  /** A name that nobody else uses, called `name` in the comparison. */
  name(name: string): string {
    const unique = uniqueName(name)
    this.names.set(unique, name)
    return unique
  }

  /** A text of the broker, with the names that the comparison has for what is unique. */
  words(text: string | null): string | null {
    if (text === null) return null
    return [...this.names].reduce((words, [unique, name]) => words.replaceAll(unique, name), text)
  }

  /** A name that the test has made, called `name` in the comparison. */
  rename(made: string, name: string): string {
    this.names.set(made, name)
    return made
  }

  /** Gives the next value of this kind a name that both brokers share. */
  private alias(kind: string, value: string | number | bigint): string {
    const key = String(value)
    const known = this.names.get(key)
    if (known !== undefined) return known
    const count = [...this.names.values()].filter((other) => other.startsWith(`${kind} `)).length
    this.names.set(key, `${kind} ${count}`)
    return `${kind} ${count}`
  }

  private plain(value: unknown, key: string): unknown {
    if (Buffer.isBuffer(value)) return value.toString('hex')
    if (Array.isArray(value)) {
      const items = value.map((item) => this.plain(item, key))
      // A broker keeps these in no order that means anything.
      return ['members', 'resultsByPartition', 'resultsByTopicV3AndBelow'].includes(key)
        ? items.toSorted(byText)
        : items
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, this.plain(v, k)]))
    }
    // The test broker says why, where Kafka often does not.
    if (key === 'errorMessage' || key === 'batchIndexErrorMessage') return 'a text'
    if (key === 'port' && value !== -1) return 'a port'
    if (key === 'host' && value !== '') return 'a host'
    if ((key === 'memberId' || key === 'leader') && value !== '')
      return this.alias('member', value as string)
    if (key === 'sessionId' && value !== 0) return 'a session'
    if (key === 'producerId' && value !== -1n) return this.alias('producer', value as bigint)
    return typeof value === 'string' ? (this.names.get(value) ?? value) : value
  }
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a).localeCompare(JSON.stringify(b))
}

/** Runs the scenario against Apache Kafka and the test broker: the answers must be the same. */
export async function compareBrokers(
  realPort: number,
  testPort: number,
  scenario: (broker: Witness) => Promise<void>,
): Promise<void> {
  const brokers = [await Witness.connect(realPort), await Witness.connect(testPort)]
  try {
    for (const broker of brokers) await scenario(broker)
    expect(brokers[1].answers).toEqual(brokers[0].answers)
    expect(brokers[0].answers.length).toBeGreaterThan(0)
  } finally {
    for (const broker of brokers) broker.close()
  }
}

/** In `describeReal`: a real broker that all tests share and a test broker, to compare them. */
export function bothBrokers(): {
  compare: (s: (broker: Witness) => Promise<void>) => Promise<void>
} {
  let realPort = 0
  let cluster: TestCluster
  beforeAll(async () => {
    realPort = (await sharedCluster('4.4.0')).nodes[0].address.port
    cluster = await TestCluster.start({ properties: { groupMinSessionTimeoutMs: 1000 } })
  })
  afterAll(async () => await cluster.close())
  return { compare: (scenario) => compareBrokers(realPort, cluster.portOf(1), scenario) }
}
