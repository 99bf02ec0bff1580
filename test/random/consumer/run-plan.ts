// Runs one plan against an in-process cluster, and says what was wrong.

import { inspect } from 'node:util'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import { decodeBatches } from '../../../src/records/decode-batch.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { TopicPartition } from '../../../src/types.ts'
import { pause, untilOver } from '../groups/waits.ts'
import { LateResults } from './deserializing.ts'
import { Faults } from './faults.ts'
import { Oracle } from './log-oracle.ts'
import { Member } from './member.ts'
import { deadTopic, type Joining, type Plan, retryTopics, type Step } from './plan.ts'

const NODES = 3
/** How long to wait until members have handled what they can (ms). */
const READ_MS = 300
/** How long to wait until a deserializer waits (ms). */
const STUCK_MS = 300
/** How long a change of a log may take to be noticed, and commits to follow (ms). */
const NOTICED_MS = 150

class Run {
  private readonly plan: Plan
  private readonly cluster: TestCluster
  private readonly oracle: Oracle
  private readonly faults: Faults
  private readonly late: LateResults = new LateResults()
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
      plan.resetsToLatest,
    )
    this.isAlone = joins.length === 0 && !plan.first.commitsByHand
    this.faults = new Faults(cluster, plan.partitions)
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
        for (const { partitionIndex, committedOffset, committedLeaderEpoch } of partitions) {
          this.oracle.commit(partitionIndex, Number(committedOffset), committedLeaderEpoch)
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
    for (let i = 0; i < plan.partitions; i++) await this.produce(i, plan.records)
    this.join(plan.first)
    if (plan.isUnderWay && plan.records > 0 && !plan.resetsToLatest)
      await this.waitBriefly(() => oracle.starts > 0)
    for (const step of plan.steps) {
      await this.takeInTime(step)
      if (oracle.violations.length > 0) break
    }
    this.faults.end()
    this.late.end()
    for (const member of this.members) member?.consumer.resume()
    // A log that was changed is noticed with the next record.
    for (let i = 0; i < plan.partitions; i++) await this.produce(i, 1)
    await Promise.all(this.endings)
    if (!this.hasMembers) this.join(plan.first)
    // Only a member with retry topics reads them.
    const hasReader = this.members.some((member) => member?.readsRetryTopics)
    if (this.oracle.hasForwarded && !hasReader) this.join({ ...plan.first, mode: 'retry' })
    const isOver = (): boolean => oracle.violations.length > 0 || oracle.unhandled().length === 0
    await untilOver(isOver, () => oracle.starts)
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

  private async takeInTime(step: Step): Promise<void> {
    if (!('when' in step) || step.when === 'any') return this.take(step)
    if (step.when === 'inHand') return this.takeInHand(step, false)
    if (step.when === 'lastInHand') {
      await this.readToEnd(step)
      return this.takeInHand(step, true)
    }
    await this.waitUntilRead(step)
    return this.take(step)
  }

  private async waitUntilRead(step: Step): Promise<void> {
    const partition = 'partition' in step ? step.partition % this.plan.partitions : 0
    if (this.hasMembers) await this.waitBriefly(() => this.isRead(partition))
  }

  /** The next record of the partition is then the only one of it that is in hand, or fetched. */
  private async readToEnd(step: Step): Promise<void> {
    if (!this.hasMembers) return
    const partition = 'partition' in step ? step.partition % this.plan.partitions : 0
    await this.produce(partition, 1)
    await this.waitBriefly(() => this.oracle.isLastHandled(partition))
  }

  private get hasMembers(): boolean {
    return this.members.some((member) => member !== null)
  }

  private isRead(partition: number): boolean {
    return this.oracle.unhandled().every((entry) => entry.partition !== partition)
  }

  /** What members may do, if they can. */
  private waitBriefly(condition: () => boolean): Promise<void> {
    return this.cluster.waitFor(condition, { timeoutMs: READ_MS }).catch(() => {})
  }

  /** Takes the step while handlers work on records of its partition: they finish when it was noticed. */
  private async takeInHand(step: Step, isLast: boolean): Promise<void> {
    const { oracle, plan } = this
    const partition = 'partition' in step ? step.partition % plan.partitions : 0
    const release = oracle.hold(partition)
    try {
      const isHeld = (): boolean => oracle.isHeld(partition)
      if (isLast || this.isRead(partition)) await this.produce(partition, 1)
      if (this.hasMembers) await this.waitBriefly(isHeld)
      await this.take(step)
      if (isHeld()) await pause(NOTICED_MS)
    } finally {
      release()
    }
  }

  private async take(step: Step): Promise<void> {
    const { cluster, oracle, plan } = this
    if (step.do !== 'produce' && step.do !== 'wait') oracle.changes++
    const partition = 'partition' in step ? step.partition % plan.partitions : 0
    switch (step.do) {
      case 'produce':
        await this.produce(partition, step.count)
        break
      case 'join':
        if (this.members.filter((member) => member !== null).length < 4) this.join(step.member)
        break
      case 'end':
        await this.waitUntilStuck(this.members[step.member % this.members.length])
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
        const end = oracle.endOf(partition)
        const newEnd = oracle.truncate(partition, step.count)
        cluster.partition('t', partition).truncateTo(BigInt(newEnd))
        this.moveLeader(partition)
        if (step.regrow >= 0) await this.produce(partition, end - newEnd + step.regrow)
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
      case 'outOfRange':
        this.faults.outOfRange(partition)
        break
      case 'settle':
        this.late.settle()
        break
      case 'fault':
        this.faults.add(step.api, step.fault, step.times)
        break
      default:
        await pause(step.ms)
    }
  }

  /** A member whose deserializer may be late for ever ends while it is. */
  private async waitUntilStuck(member: Member | null): Promise<void> {
    if (member === null || member.isStuck === null) return
    const limits = { timeoutMs: STUCK_MS }
    await this.cluster.waitFor(() => member.isStuck === true, limits).catch(() => {})
  }

  private async produce(partition: number, count: number): Promise<void> {
    const { keys, batchSize } = this.plan
    const log = this.cluster.partition('t', partition)
    for (let left = count; left > 0; left -= batchSize) {
      const wanted = Array.from({ length: Math.min(left, batchSize) }, (_, i) =>
        keys === 0 ? null : `k${(left + i) % keys}`,
      )
      const builder = new BatchBuilder(100_000)
      const entries = this.oracle.append(partition, wanted, log.leaderEpoch)
      // Of now: virtual time may go on until old records are deleted.
      for (const { id, key } of entries) builder.append(key, String(id), [], Date.now())
      log.append(await builder.finish({ ...noProducer, compressionType: 'none' }))
    }
  }

  private join(how: Joining): void {
    this.members.push(new Member(this.cluster, how, this.plan, this.oracle, this.late))
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
