// Runs one plan against an in-process cluster, and says what was wrong.

import { inspect } from 'node:util'
import { Kafka } from '../../../src/kafka.ts'
import { BatchBuilder, noProducer } from '../../../src/records/batch-builder.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { pause, untilOver } from '../groups/waits.ts'
import { Faults } from './faults.ts'
import { Oracle } from './log-oracle.ts'
import { Member } from './member.ts'
import type { Joining, Plan, Step } from './plan.ts'

const NODES = 3
const MEMBERS = 4
/** How long to wait until the first member has handled something (ms). */
const UNDER_WAY_MS = 300

class Run {
  private readonly plan: Plan
  private readonly cluster: TestCluster
  private readonly kafka: Kafka
  private readonly oracle: Oracle
  private readonly faults: Faults
  private readonly members: (Member | null)[] = []
  private readonly endings: Promise<void>[] = []
  private readonly errors: unknown[] = []

  constructor(plan: Plan, cluster: TestCluster) {
    this.plan = plan
    this.cluster = cluster
    this.kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    this.oracle = new Oracle(plan.partitions)
    this.faults = new Faults(cluster)
  }

  async run(): Promise<void> {
    const { plan, oracle } = this
    try {
      for (let i = 0; i < plan.partitions; i++) await this.produce(i, plan.records)
      this.join(plan.first)
      if (plan.isUnderWay && plan.records > 0) {
        const limits = { timeoutMs: UNDER_WAY_MS }
        await this.cluster.waitFor(() => oracle.events > 0, limits).catch(() => {})
      }
      for (const step of plan.steps) {
        await this.take(step)
        if (oracle.violations.length > 0) break
      }
      this.faults.end()
      for (let i = 0; i < plan.partitions; i++) await this.produce(i, 1)
      await Promise.all(this.endings)
      if (this.members.every((member) => member === null)) this.join(plan.first)
      const left = await this.untilDone()
      const health = this.members.map((member) => member?.consumer.health())
      await Promise.all(this.members.map((_, index) => this.end(index)))
      const problems = [...oracle.violations, ...this.errors.map(String)]
      if (left.length > 0) {
        problems.push(`never done: ${left.join(', ')}`)
        problems.push(inspect(health, { depth: 5, breakLength: 200 }))
      }
      if (problems.length > 0) throw new Error(problems.join('\n'))
    } finally {
      await this.kafka.close()
    }
  }

  /** Waits until the group has finished with every record. @returns the partitions where it has not */
  private async untilDone(): Promise<string[]> {
    const { oracle } = this
    const admin = this.kafka.admin()
    let left: string[] = []
    await untilOver(
      async () => {
        const [{ offsets }] = await admin.listShareGroupOffsets(['g'])
        left = Array.from({ length: this.plan.partitions }, (_, partition) => {
          const end = this.cluster.partition('t', partition).highWatermark
          const start = offsets.find((each) => each.partition === partition)?.startOffset ?? null
          return start === end ? '' : `${partition} from ${start} to ${end}`
        }).filter((text) => text !== '')
        if (oracle.violations.length > 0) left = []
        return left.length === 0
      },
      () => oracle.events,
    )
    return left
  }

  private async take(step: Step): Promise<void> {
    const { cluster, oracle, plan } = this
    const partition = 'partition' in step ? step.partition % plan.partitions : 0
    switch (step.do) {
      case 'produce':
        await this.produce(partition, step.count)
        break
      case 'join':
        if (this.members.filter((member) => member !== null).length < MEMBERS) {
          this.join(step.member)
        }
        break
      case 'end':
        this.endings.push(this.end(step.member % this.members.length))
        break
      case 'moveLeader':
        oracle.move(partition)
        cluster.moveLeader('t', partition, (cluster.leaderOf('t', partition) % NODES) + 1)
        break
      case 'disconnect':
        cluster.disconnectAll()
        break
      case 'fault':
        this.faults.add(step.api, step.fault, step.times)
        break
      default:
        await pause(step.ms)
    }
  }

  private async produce(partition: number, count: number): Promise<void> {
    const { batchSize } = this.plan
    const log = this.cluster.partition('t', partition)
    for (let left = count; left > 0; left -= batchSize) {
      const builder = new BatchBuilder(100_000)
      for (let i = 0; i < Math.min(left, batchSize); i++) {
        this.oracle.append(partition, log.highWatermark + BigInt(i))
        builder.append(null, 'x', [], Date.now())
      }
      log.append(await builder.finish({ ...noProducer, compressionType: 'none' }))
    }
  }

  private join(how: Joining): void {
    this.members.push(new Member(this.cluster, how, this.plan, this.oracle))
  }

  private async end(index: number): Promise<void> {
    const member = this.members[index]
    if (member === null || member === undefined) return
    this.members[index] = null
    await member.end()
    this.errors.push(...member.errors)
  }
}

/** @throws an Error that says what was wrong */
export async function runPlan(plan: Plan): Promise<void> {
  const cluster = await TestCluster.start({
    nodes: NODES,
    topics: { t: plan.partitions },
    record: false,
    properties: {
      shareAutoOffsetReset: 'earliest',
      groupShareHeartbeatIntervalMs: 15,
      groupShareSessionTimeoutMs: 2000,
      groupShareRecordLockDurationMs: plan.lockMs,
      // No record is archived for being delivered often.
      groupShareDeliveryCountLimit: 100_000,
    },
  })
  try {
    await new Run(plan, cluster).run()
  } finally {
    await cluster.close()
  }
}
