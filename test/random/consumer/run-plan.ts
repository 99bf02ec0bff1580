// Runs one plan against an in-process cluster, and says what was wrong.

import { inspect } from 'node:util'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import { decodeBatches } from '../../../src/records/decode-batch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { TopicPartition } from '../../../src/types.ts'
import { Faults } from './faults.ts'
import { Oracle } from './log-oracle.ts'
import { Member } from './member.ts'
import { deadTopic, type Joining, type Plan, retryTopics, type Step } from './plan.ts'

const NODES = 3
/** How long to wait until a handler works on a record (ms). */
const IN_HAND_MS = 30
/** How long a change of a log may take to be noticed, and commits to follow (ms). */
const NOTICED_MS = 150
/** How long no handler may begin once nothing goes wrong any more, while records are left. */
const PATIENCE_MS = 15_000
/** By when everything has to be handled then: a machine may be busy, but nothing may be handled for ever. */
const LONG_PATIENCE_MS = 120_000

class Run {
  private readonly plan: Plan
  private readonly cluster: TestCluster
  private readonly oracle: Oracle
  private readonly faults: Faults
  private readonly members: (Member | null)[] = []
  private readonly endings: Promise<void>[] = []
  private readonly errors: unknown[] = []
  /** Whether there is one member at a time, which commits nothing by hand. */
  private readonly isAlone: boolean

  constructor(plan: Plan, cluster: TestCluster) {
    this.plan = plan
    this.cluster = cluster
    const joins = plan.steps.flatMap((step) => (step.do === 'join' ? [step.member] : []))
    this.oracle = new Oracle(
      plan.partitions,
      [plan.first, ...joins].some(({ mode }) => mode === 'key' || mode === 'retryKey'),
    )
    this.isAlone = joins.length === 0 && !plan.first.commitsByHand
    this.faults = new Faults(cluster)
    cluster.intercept(offsetCommit, ({ request, next }) => {
      for (const { name, topicId, partitions } of request.topics) {
        const retryTopic = retryTopics.find(
          (topic) => topic === name || topicId === cluster.topicId(topic),
        )
        if (retryTopic !== undefined) {
          for (const { partitionIndex, committedOffset } of partitions) {
            this.oracle.commitRetries(retryTopic, partitionIndex, Number(committedOffset))
          }
          continue
        }
        // What was committed for a topic that is gone is refused.
        if (name !== 't' && topicId !== cluster.topicId('t')) continue
        for (const { partitionIndex, committedOffset } of partitions) {
          this.oracle.commit(partitionIndex, Number(committedOffset))
        }
      }
      return next()
    })
    cluster.intercept(produce, async ({ request, next }) => {
      const sent = new Map<string, number[]>()
      for (const { name, topicId, partitionData } of request.topicData) {
        const topic = [...retryTopics, deadTopic].find(
          (each) => each === name || topicId === cluster.topicId(each),
        )
        for (const { index, records } of partitionData) {
          const batches = await decodeBatches(records ?? Buffer.alloc(0))
          const ids = batches.flatMap((batch) => batch.records.map(({ value }) => Number(value)))
          for (const id of ids) this.oracle.sent(id, topic === deadTopic)
          sent.set(`${topic}-${index}`, ids)
        }
      }
      const response = await next()
      for (const { name, topicId, partitionResponses } of response.responses) {
        const topic = retryTopics.find((each) => each === name || topicId === cluster.topicId(each))
        if (topic === undefined) continue
        for (const { index, baseOffset } of partitionResponses) {
          const ids = sent.get(`${topic}-${index}`) ?? []
          this.oracle.forwarded(ids, topic, index, Number(baseOffset))
        }
      }
      return response
    })
  }

  async run(): Promise<void> {
    const { plan, oracle } = this
    this.join(plan.first)
    for (const step of plan.steps) {
      if ('isInHand' in step && step.isInHand) await this.takeInHand(step)
      else await this.take(step)
      if (oracle.violations.length > 0) break
    }
    this.faults.end()
    for (const member of this.members) member?.consumer.resume()
    // A log that was changed is noticed with the next record.
    for (let i = 0; i < plan.partitions; i++) await this.produce(i, 1)
    await Promise.all(this.endings)
    if (this.members.every((member) => member === null)) this.join(plan.first)
    // Only a member with retry topics reads them.
    const hasReader = this.members.some((member) => member?.readsRetryTopics)
    if (this.oracle.hasForwarded && !hasReader) this.join({ ...plan.first, mode: 'retry' })
    const isOver = (): boolean => oracle.violations.length > 0 || oracle.unhandled().length === 0
    const patience = Date.now() + LONG_PATIENCE_MS
    for (let starts = -1; starts !== oracle.starts && Date.now() < patience && !isOver(); ) {
      starts = oracle.starts
      await this.cluster.waitFor(isOver, { timeoutMs: PATIENCE_MS }).catch(() => {})
    }
    const left = oracle.unhandled()
    const health = this.members.map((member) => member?.consumer.health())
    await Promise.all(this.members.map((_, index) => this.end(index, 'close')))
    for (const member of this.members) if (member !== null) this.errors.push(...member.errors)
    const problems = [...oracle.violations, ...this.errors.map(String)]
    if (left.length > 0) {
      const names = left.map(({ partition, offset }) => `${partition}@${offset}`)
      problems.push(`never handled: ${names.slice(0, 8).join(', ')} of ${left.length}`)
      problems.push(inspect(health, { depth: 5, breakLength: 200 }))
    }
    if (problems.length > 0) throw new Error(problems.join('\n'))
  }

  /** Takes the step while handlers work on records of its partition: they finish when it was noticed. */
  private async takeInHand(step: Step): Promise<void> {
    const { oracle, plan, cluster } = this
    const partition = 'partition' in step ? step.partition % plan.partitions : 0
    const release = oracle.hold(partition)
    try {
      // There may be no member, or nothing left to read.
      const isHeld = (): boolean => oracle.isHeld(partition)
      await cluster.waitFor(isHeld, { timeoutMs: IN_HAND_MS }).catch(() => {})
      await this.take(step)
      if (isHeld()) await pause(NOTICED_MS)
    } finally {
      release()
    }
  }

  private async take(step: Step): Promise<void> {
    const { cluster, oracle, plan } = this
    const partition = 'partition' in step ? step.partition % plan.partitions : 0
    switch (step.do) {
      case 'produce':
        await this.produce(partition, step.count)
        break
      case 'join':
        if (this.members.filter((member) => member !== null).length < 4) this.join(step.member)
        break
      case 'end':
        this.endings.push(this.end(step.member % this.members.length, step.how))
        break
      case 'pause':
      case 'resume': {
        const consumer = this.members[step.member % this.members.length]?.consumer
        if (step.do === 'pause') consumer?.pause()
        else consumer?.resume()
        break
      }
      case 'seek': {
        const consumer = this.members[step.member % this.members.length]?.consumer
        const place = { topic: 't', partition }
        const isOwn = (each: TopicPartition): boolean =>
          each.topic === 't' && each.partition === partition
        if (consumer?.assignment().some(isOwn) !== true) break
        const start = oracle.startOf(partition)
        const offset = start + (step.place % (oracle.endOf(partition) - start + 1))
        oracle.seek(partition, offset, this.isAlone)
        consumer.seek(place, BigInt(offset))
        break
      }
      case 'truncate': {
        cluster.partition('t', partition).truncateTo(BigInt(oracle.truncate(partition, step.count)))
        this.moveLeader(partition)
        break
      }
      case 'trim': {
        const start = Math.min(oracle.endOf(partition), oracle.startOf(partition) + step.count)
        cluster.partition('t', partition).deleteRecordsBefore(BigInt(start))
        oracle.trim(partition, start)
        break
      }
      case 'recreate':
        cluster.recreateTopic('t')
        oracle.recreate()
        break
      case 'moveLeader':
        this.moveLeader(partition)
        break
      case 'fault':
        this.faults.add(step.api, step.fault, step.times)
        break
      default:
        await pause(step.ms)
    }
  }

  private async produce(partition: number, count: number): Promise<void> {
    const { keys, batchSize } = this.plan
    const log = this.cluster.partition('t', partition)
    for (let left = count; left > 0; left -= batchSize) {
      const wanted = Array.from({ length: Math.min(left, batchSize) }, (_, i) =>
        keys === 0 ? null : `k${(left + i) % keys}`,
      )
      const builder = new BatchBuilder(100_000)
      const entries = this.oracle.append(partition, wanted)
      for (const { id, key } of entries) builder.append(key, String(id), [], 1)
      log.append(await builder.finish({ ...noProducer, compressionType: 'none' }))
    }
  }

  private join(how: Joining): void {
    this.members.push(new Member(this.cluster, how, this.plan, this.oracle))
  }

  private async end(index: number, how: Parameters<Member['end']>[0]): Promise<void> {
    const member = this.members[index]
    if (member === null || member === undefined) return
    this.members[index] = null
    this.oracle.forgetSeeks()
    await member.end(how)
    this.errors.push(...member.errors)
  }

  private moveLeader(partition: number): void {
    const leader = this.cluster.leaderOf('t', partition)
    this.cluster.moveLeader('t', partition, (leader % NODES) + 1)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** @throws an Error that says what was wrong */
export async function runPlan(plan: Plan): Promise<void> {
  const cluster = await TestCluster.start({
    nodes: NODES,
    topics: {
      t: plan.partitions,
      ...Object.fromEntries(retryTopics.map((topic) => [topic, 2])),
      [deadTopic]: 1,
    },
    record: false,
    properties: {
      groupMinSessionTimeoutMs: 100,
      groupConsumerSessionTimeoutMs: 2000,
      groupConsumerHeartbeatIntervalMs: 15,
    },
  })
  try {
    await new Run(plan, cluster).run()
  } finally {
    await cluster.close()
  }
}
