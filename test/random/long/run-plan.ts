// Runs one plan against an in-process cluster, in virtual time, and says what was wrong. Every call has an outcome
// within its limits; what was acknowledged is once in the log, in order, and is handled; no commit passes a record
// whose handler has not finished; and nothing is asked all the time, whatever is away.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { DeliveryError } from '../../../src/errors.ts'
import { Kafka } from '../../../src/kafka.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { pause } from '../groups/waits.ts'
import { NODES, type Plan, type Step } from './plan.ts'

/** deliveryTimeoutMs, after maxBlockMs for metadata and memory. */
const SEND_MS = 120_000 + 60_000 + 1000
/** Within this, the group has handled everything once no node is away (ms): it rejoins after maxPollIntervalMs. */
const HANDLED_MS = 900_000
/** A call of close() takes no longer (ms). */
const CLOSE_MS = 60_000
/** Requests and attempts to connect, per second and at once. Members ask each node for records every 10 s. */
const REQUESTS_PER_SECOND = 10
const REQUESTS_AT_ONCE = 200

interface Sent {
  readonly partition: number
  readonly at: number
  /** null: acknowledged. */
  error: unknown
  offset: bigint
  isSettled: boolean
  isHandled: boolean
}

class Run {
  private readonly plan: Plan
  private readonly cluster: TestCluster
  private readonly producer: Producer
  private readonly consumers: Consumer[] = []
  private readonly sent: Sent[] = []
  private readonly open: Promise<void>[] = []
  private readonly outages = new Map<number, Promise<void>>()
  private readonly loops: Promise<void>[] = []
  private readonly problems: string[] = []
  private readonly handledTo: number[]
  private slowMs = 0
  private connects = 0
  private callsFrom = performance.now()

  constructor(plan: Plan, cluster: TestCluster) {
    this.plan = plan
    this.cluster = cluster
    this.handledTo = Array.from({ length: plan.partitions }, () => 0)
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
    this.producer = kafka.producer()
    for (let i = 0; i < plan.members; i++) {
      const consumer = kafka.consumer({
        groupId: 'g',
        topics: ['t'],
        autoOffsetReset: 'earliest',
        groupProtocol: plan.protocol,
        // Fewer requests than by default, so that hours pass sooner.
        fetchMaxWaitMs: 10_000,
      })
      this.consumers.push(consumer)
    }
    cluster.intercept(offsetCommit, ({ request, next }) => {
      for (const { partitions } of request.topics) {
        for (const { partitionIndex, committedOffset } of partitions) {
          if (Number(committedOffset) <= this.handledTo[partitionIndex]) continue
          this.problems.push(
            `a commit at ${partitionIndex}@${committedOffset} passes ${this.handledTo[partitionIndex]}`,
          )
        }
      }
      return next()
    })
  }

  async run(): Promise<void> {
    const count = (): void => {
      this.connects++
    }
    subscribe('net.client.socket', count)
    try {
      for (const consumer of this.consumers) this.loops.push(this.read(consumer))
      for (const step of this.plan.steps) {
        await this.take(step)
        this.countCalls()
      }
      await Promise.all(this.outages.values())
      await Promise.all(this.open)
      if (this.consumers.length > 0) await this.waitUntilHandled()
      this.countCalls()
      const closes = [this.producer, ...this.consumers].map((client) => this.close(client))
      await Promise.all([...closes, ...this.loops])
      await this.judgeLog()
    } finally {
      unsubscribe('net.client.socket', count)
    }
    if (this.problems.length > 0) throw new Error(this.problems.slice(0, 5).join('\n'))
  }

  private async take(step: Step): Promise<void> {
    const { cluster, plan } = this
    switch (step.do) {
      case 'send':
        for (let i = 0; i < step.count; i++) this.send(step.partition % plan.partitions)
        return
      case 'wait':
        return pause(step.ms)
      case 'outage':
        if (this.outages.has(step.node)) return
        this.outages.set(step.node, this.outage(step))
        return
      case 'slow':
        this.slowMs = step.ms
        return
      case 'moveLeader':
        if (!this.outages.has(step.node)) {
          cluster.moveLeader('t', step.partition % plan.partitions, step.node)
        }
        return
      case 'moveCoordinator':
        if (!this.outages.has(step.node)) cluster.moveCoordinator('g', step.node)
        return
      default:
        cluster.disconnectAll()
    }
  }

  private async outage({ node, how, elects, ms }: Step & { do: 'outage' }): Promise<void> {
    const { cluster } = this
    if (how === 'hangs') cluster.pauseNode(node)
    else await cluster.stopNode(node, { electLeaders: elects })
    await pause(ms)
    if (how === 'hangs') cluster.resumeNode(node)
    else await cluster.startNode(node)
    this.outages.delete(node)
  }

  private send(partition: number): void {
    const sent: Sent = {
      partition,
      at: performance.now(),
      error: null,
      offset: -1n,
      isSettled: false,
      isHandled: false,
    }
    const id = this.sent.push(sent) - 1
    const settle = (error: unknown, offset: bigint): void => {
      Object.assign(sent, { error, offset, isSettled: true })
      const ms = performance.now() - sent.at
      if (ms > SEND_MS) this.problems.push(`record ${id} had no outcome for ${ms} ms`)
    }
    const work = this.producer.send({ topic: 't', partition, value: String(id) })
    this.open.push(
      work.then(
        ({ offset }) => settle(null, offset),
        (error: unknown) => settle(error, -1n),
      ),
    )
  }

  private async read(consumer: Consumer): Promise<void> {
    try {
      await consumer.run({
        eachRecord: async ({ value, partition, offset }) => {
          const ms = this.slowMs
          this.slowMs = 0
          if (ms > 0) await pause(ms)
          const sent = this.sent[Number(value)]
          if (offset > this.handledTo[partition]) {
            this.problems.push(`${partition}@${offset} came before ${this.handledTo[partition]}`)
          }
          sent.isHandled = true
          this.handledTo[partition] = Math.max(this.handledTo[partition], Number(offset) + 1)
        },
      })
    } catch (error) {
      this.problems.push(`run() failed: ${inspect(error)}`)
    }
  }

  private async waitUntilHandled(): Promise<void> {
    const end = performance.now() + HANDLED_MS
    const left = (): number =>
      this.sent.filter(({ error, isHandled }) => error === null && !isHandled).length
    while (left() > 0 && performance.now() < end) await pause(1000)
    if (left() === 0) return
    const health = this.consumers.map((consumer) => consumer.health())
    this.problems.push(`${left()} records are not handled: ${inspect(health, { depth: 5 })}`)
  }

  private async close(client: Producer | Consumer): Promise<void> {
    const begin = performance.now()
    await client.close()
    const ms = performance.now() - begin
    if (ms > CLOSE_MS) this.problems.push(`close() took ${ms} ms`)
  }

  /** Nothing is asked at full speed. */
  private countCalls(): void {
    const calls = this.cluster.requests().length + this.connects
    const ms = performance.now() - this.callsFrom
    const most = REQUESTS_AT_ONCE + (ms / 1000) * REQUESTS_PER_SECOND
    if (calls > most) {
      const names = new Map<string, number>([['connect', this.connects]])
      for (const { api } of this.cluster.requests()) names.set(api, (names.get(api) ?? 0) + 1)
      this.problems.push(`${calls} requests within ${ms} ms: ${inspect(names)}`)
    }
    this.connects = 0
    this.cluster.clearRequests()
    this.callsFrom = performance.now()
  }

  private async judgeLog(): Promise<void> {
    const found = new Map<number, bigint>()
    for (let partition = 0; partition < this.plan.partitions; partition++) {
      let last = -1
      for (const { records } of await this.cluster.partition('t', partition).decode()) {
        for (const { value, offset } of records) {
          const id = Number(value)
          if (found.has(id)) this.problems.push(`record ${id} is there twice`)
          if (id < last) this.problems.push(`record ${id} comes after ${last}`)
          last = id
          found.set(id, offset)
        }
      }
    }
    for (const [id, { error, offset }] of this.sent.entries()) {
      const place = found.get(id)
      if (error === null && place !== offset) {
        this.problems.push(`record ${id} was acknowledged at ${offset}, and is at ${place}`)
      }
      if (error === null) continue
      if (!this.plan.steps.some((step) => step.do === 'outage')) {
        this.problems.push(`record ${id} failed, and no node was away: ${inspect(error)}`)
      }
      if (!(error instanceof DeliveryError)) this.problems.push(`record ${id}: ${inspect(error)}`)
      else if (error.persisted === 'no' && place !== undefined) {
        this.problems.push(`record ${id} is in the log: ${error.message}`)
      }
    }
  }
}

/** @throws an Error that says what was wrong */
export async function runPlan(plan: Plan): Promise<void> {
  const cluster = await TestCluster.start({
    nodes: NODES,
    topics: { t: plan.partitions },
    properties: { logRetentionMs: -1, groupConsumerHeartbeatIntervalMs: 5000 },
  })
  try {
    await new Run(plan, cluster).run()
  } finally {
    await cluster.close()
  }
}
