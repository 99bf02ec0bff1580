// One member of the group: it works off what it is given until it is to end, again after each failure.

import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerLoop } from '../../../src/consumer/delivery/iterators.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { HandlerContext } from '../../../src/consumer/run/handler-context.ts'
import { KafkaError } from '../../../src/errors.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Deserializer } from '../../../src/types.ts'
import { consumerOf, textOf } from '../../consumer/harness.ts'
import type { Oracle } from './log-oracle.ts'
import { deadTopic, type End, type Joining, type Plan, type Protocol, retryDelays } from './plan.ts'

const classic = { heartbeatIntervalMs: 15, sessionTimeoutMs: 2000 }
const groupOptions: Readonly<Record<Protocol, ConsumerOptions>> = {
  eager: { ...classic, partitionAssignors: ['range'] },
  sticky: { ...classic, partitionAssignors: ['sticky'] },
  cooperative: { ...classic, partitionAssignors: ['cooperative-sticky'] },
  consumer: { groupProtocol: 'consumer', heartbeatIntervalMs: undefined },
}

const deserializers: Readonly<Record<'sync' | 'async', Deserializer<unknown>>> = {
  sync: { isSync: true, deserialize: String },
  async: {
    deserialize: async (bytes) => {
      if (Number(bytes) % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      return String(bytes)
    },
  },
}

/** What a handler throws that is to fail. */
class PlannedFailure extends Error {}

export class Member {
  readonly consumer: Consumer<Buffer | null, unknown>
  isPaused = false
  /** What no plan asked for. */
  readonly errors: unknown[] = []
  private readonly how: Joining
  private readonly plan: Plan
  private readonly oracle: Oracle
  private readonly stop = new AbortController()
  private readonly failedTimes = new Map<number, number>()
  private readonly inHand = new Set<string>()
  private readonly work: Promise<void>

  constructor(cluster: TestCluster, how: Joining, plan: Plan, oracle: Oracle) {
    this.how = how
    this.plan = plan
    this.oracle = oracle
    this.consumer = consumerOf(cluster, {
      groupId: 'g',
      topics: ['t'],
      enableAutoCommit: !how.commitsByHand,
      autoCommitIntervalMs: 7,
      maxPollRecords: how.maxPollRecords,
      maxBufferedBytes: how.maxBufferedBytes,
      fetchMaxWaitMs: 20,
      ...groupOptions[plan.protocol],
      ...(how.deserializer !== 'none' && { valueDeserializer: deserializers[how.deserializer] }),
    } as ConsumerOptions<Buffer | null, unknown>)
    this.work = this.loop()
  }

  get readsRetryTopics(): boolean {
    return this.how.mode === 'retry' || this.how.mode === 'retryKey'
  }

  async end(how: End): Promise<void> {
    if (how === 'abort') {
      this.stop.abort()
      await this.work
    }
    if (how === 'unsubscribe') await this.consumer.unsubscribe().catch(() => {})
    await this.consumer.close({ timeoutMs: 5000 })
    this.stop.abort()
    await this.work
  }

  private async loop(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.pass()
        // A loop that ends by itself does so because the consumer is closed.
        return
      } catch (error) {
        if (this.stop.signal.aborted) return
        if (error instanceof PlannedFailure) continue
        if (!isOfClosing(error)) this.errors.push(error)
        return
      }
    }
  }

  private async pass(): Promise<void> {
    const { consumer } = this
    const { signal } = this.stop
    const { concurrency, retries, mode } = this.how
    const retry = { retries, retryBackoffMs: 1, retryBackoffMaxMs: 2 }
    switch (mode) {
      case 'record':
        for await (const record of consumer.records({ signal })) await this.handle(record)
        return
      case 'batch':
        for await (const batch of consumer.batches({ signal })) {
          for (const record of batch) await this.handle(record)
        }
        return
      case 'partitions':
        await this.readPartitions()
        return
      case 'runBatch':
        await consumer.run({
          eachBatch: async (batch) => {
            for (const record of batch) await this.handle(record)
          },
          concurrency,
          retry,
          signal,
        })
        return
      case 'retry':
      case 'retryKey':
        await consumer.run({
          eachRecord: (record, context) => this.handleWithRetries(record, context),
          concurrency,
          concurrencyBy: mode === 'retryKey' ? 'key' : 'partition',
          retryTopics: retryDelays,
          deadLetterTopic: deadTopic,
          signal,
        })
        return
      default:
        await consumer.run({
          eachRecord: (record) => this.handle(record),
          concurrency,
          concurrencyBy: mode === 'key' ? 'key' : 'partition',
          retry,
          signal,
        })
    }
  }

  /** One loop per partition; one that fails ends them all. */
  private async readPartitions(): Promise<void> {
    const over = new AbortController()
    const end = (): void => over.abort(this.stop.signal.reason)
    this.stop.signal.addEventListener('abort', end)
    const loops: ConsumerLoop<ConsumerRecord<Buffer | null, unknown>>[] = []
    const works: Promise<void>[] = []
    let failure: unknown = null
    const read = async (
      loop: ConsumerLoop<ConsumerRecord<Buffer | null, unknown>>,
    ): Promise<void> => {
      try {
        for await (const record of loop) await this.handle(record)
      } catch (error) {
        failure ??= error
        over.abort(error)
      }
    }
    try {
      for await (const stream of this.consumer.partitions({ signal: over.signal })) {
        const loop = stream[Symbol.asyncIterator]()
        loops.push(loop)
        works.push(read(loop))
      }
    } catch (error) {
      failure ??= error
    } finally {
      this.stop.signal.removeEventListener('abort', end)
      await Promise.all(loops.map((loop) => loop.return()))
      await Promise.all(works)
    }
    if (failure !== null) throw failure
  }

  /** One record in some never succeeds, and becomes a dead letter. */
  private async handleWithRetries(
    record: ConsumerRecord<Buffer | null, unknown>,
    { attempt }: HandlerContext,
  ): Promise<void> {
    const { failEvery } = this.plan
    const id = Number(textOf(record))
    if (attempt === 1) {
      if (failEvery > 0 && id % failEvery === 3) await this.handle(record, true)
      else await this.handle(record)
      return
    }
    const entry = this.oracle.retried(id)
    const { topic, partition, offset } = record
    if (topic !== 't' || partition !== entry.partition || Number(offset) !== entry.offset) {
      this.oracle.violations.push(`record ${id} came again as ${topic}-${partition}@${offset}`)
    }
    if (failEvery > 0 && id % failEvery === 3) throw new PlannedFailure(`record ${id}`)
    if (attempt === 2 && id % 2 === 0) throw new PlannedFailure(`record ${id}`)
    this.oracle.finish(entry)
  }

  private async handle(
    record: ConsumerRecord<Buffer | null, unknown>,
    fails = false,
  ): Promise<void> {
    const { oracle, plan, how } = this
    const id = Number(textOf(record))
    if (String(record.value) !== String(id)) {
      oracle.violations.push(`the value of record ${id} is ${record.value}`)
    }
    const { topic, partition, offset } = record
    const entry = oracle.begin(id, partition, Number(offset))
    const isByKey = how.mode === 'key' || how.mode === 'retryKey'
    const lane = isByKey ? (record.key?.toString() ?? `no key ${id}`) : `${partition}`
    const hand = `${partition}/${lane}`
    if (this.inHand.has(hand)) oracle.violations.push(`two handlers at once for ${hand}`)
    this.inHand.add(hand)
    try {
      await oracle.whileHeld(partition)
      if (plan.slowEvery > 0 && id % plan.slowEvery === 1) {
        await new Promise((resolve) => setTimeout(resolve, id % 7))
      } else if (id % 2 === 0) await new Promise<void>((resolve) => setImmediate(resolve))
      const failures = this.failedTimes.get(id) ?? 0
      if (fails) throw new PlannedFailure(`record ${id}`)
      if (plan.failEvery > 0 && id % plan.failEvery === 2 && failures < plan.failures) {
        this.failedTimes.set(id, failures + 1)
        throw new PlannedFailure(`record ${id}`)
      }
      oracle.finish(entry)
    } finally {
      this.inHand.delete(hand)
    }
    if (how.commitsByHand && id % 3 === 0 && !isByKey) {
      // It may be another member's by now.
      await this.consumer
        .commit([{ topic, partition, offset: offset + 1n, leaderEpoch: record.leaderEpoch }])
        .catch((error: unknown) => {
          if (!(error instanceof KafkaError)) throw error
        })
    }
  }
}

function isOfClosing(error: unknown): boolean {
  return error instanceof KafkaError && error.code === 'ERR_KAFKA_CLOSED'
}
