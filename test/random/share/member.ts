// One member of the share group: it works off what it is given until it is to end, again after each failure.

import { resolveKafkaOptions } from '../../../src/options/kafka-options.ts'
import {
  resolveShareConsumerOptions,
  type ShareConsumerOptions,
} from '../../../src/share-consumer/options.ts'
import { ShareConsumer } from '../../../src/share-consumer/share-consumer.ts'
import type { ShareRecord } from '../../../src/share-consumer/share-record.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Oracle } from './log-oracle.ts'
import type { Joining, Plan } from './plan.ts'

/** What a handler throws that is to fail. */
class PlannedFailure extends Error {}

export class Member {
  readonly consumer: ShareConsumer
  /** What no plan asked for. */
  readonly errors: unknown[] = []
  private readonly how: Joining
  private readonly plan: Plan
  private readonly oracle: Oracle
  private readonly records = new Map<string, ShareRecord>()
  private readonly work: Promise<void>
  private isEnding = false

  constructor(cluster: TestCluster, how: Joining, plan: Plan, oracle: Oracle) {
    this.how = how
    this.plan = plan
    this.oracle = oracle
    const options: ShareConsumerOptions = {
      groupId: 'g',
      topics: ['t'],
      fetchMaxWaitMs: 20,
      maxPollRecords: how.maxPollRecords,
      shareAcknowledgementMode: how.isExplicit ? 'explicit' : 'implicit',
      shareAcquireMode: how.isExact ? 'record_limit' : 'batch_optimized',
      onAcknowledged: (result) =>
        oracle.settle(result, this, (partition, offset) =>
          this.records.get(`${partition}@${offset}`),
        ),
    }
    const connection = resolveKafkaOptions({
      bootstrapServers: cluster.bootstrapServers,
      retryBackoffMs: 5,
      retryBackoffMaxMs: 50,
      reconnectBackoffMs: 5,
      reconnectBackoffMaxMs: 50,
      requestTimeoutMs: 5000,
    })
    this.consumer = new ShareConsumer(connection, resolveShareConsumerOptions(options))
    this.work = this.loop()
  }

  async end(): Promise<void> {
    this.isEnding = true
    await this.consumer.close({ timeoutMs: 10_000 })
    await this.work
  }

  private async loop(): Promise<void> {
    while (!this.isEnding) {
      try {
        await this.pass()
        // A loop that ends by itself does so because the consumer is closed.
        return
      } catch (error) {
        if (error instanceof PlannedFailure) continue
        this.errors.push(error)
        return
      }
    }
  }

  private async pass(): Promise<void> {
    const { consumer } = this
    const { concurrency, mode, renewLocks } = this.how
    const each = (records: Iterable<ShareRecord>) => this.handleAll(records)
    switch (mode) {
      case 'record':
        for await (const record of consumer.records()) await this.handle(record)
        return
      case 'batch':
        for await (const batch of consumer.batches()) await this.handleAll(batch)
        return
      case 'runBatch':
        await consumer.run({ eachBatch: each, concurrency, renewLocks })
        return
      default:
        await consumer.run({ eachRecord: (record) => this.handle(record), concurrency, renewLocks })
    }
  }

  private async handleAll(records: Iterable<ShareRecord>): Promise<void> {
    // All of a batch are delivered at once, and one that fails leaves the others as they are.
    const all = [...records]
    for (const record of all) this.note(record)
    for (const record of all) await this.process(record)
  }

  private async handle(record: ShareRecord): Promise<void> {
    this.note(record)
    await this.process(record)
  }

  private note(record: ShareRecord): void {
    const { partition, offset, deliveryCount } = record
    this.records.set(`${partition}@${offset}`, record)
    this.oracle.deliver(partition, offset, deliveryCount, this)
  }

  private async process(record: ShareRecord): Promise<void> {
    const { plan, how } = this
    const id = Number(record.offset)
    const isFirst = record.deliveryCount === 1
    if (plan.slowEvery > 0 && id % plan.slowEvery === 1 && isFirst) {
      await new Promise((resolve) => setTimeout(resolve, plan.lockMs * 1.2))
    } else if (id % 2 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    const isReleased = plan.releaseEvery > 0 && id % plan.releaseEvery === 2 && isFirst
    if (!how.isExplicit) {
      if (isReleased) throw new PlannedFailure(`record ${id}`)
      return
    }
    if (isReleased) record.release()
    else if (plan.rejectEvery > 0 && id % plan.rejectEvery === 3) record.reject()
    else record.accept()
  }
}
