// One member of the group: it works off what it is given until it is to end, again after each failure.

import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerBatch } from '../../../src/consumer/delivery/consumer-batch.ts'
import type { ConsumerLoop } from '../../../src/consumer/delivery/iterators.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { HandlerContext } from '../../../src/consumer/run/handler-context.ts'
import { DeserializationError, KafkaError } from '../../../src/errors.ts'
import type { ConsumerRecord } from '../../../src/records/consumer-record.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, textOf } from '../../consumer/harness.ts'
import { type LateResults, MemberDeserializers } from './deserializing.ts'
import type { Entry, Oracle } from './log-oracle.ts'
import { deadTopic, type End, type Joining, type Plan, type Protocol, retryDelays } from './plan.ts'

const classic = { heartbeatIntervalMs: 15, sessionTimeoutMs: 2000 }
const groupOptions: Readonly<Record<Protocol, ConsumerOptions>> = {
  eager: { ...classic, partitionAssignors: ['range'] },
  sticky: { ...classic, partitionAssignors: ['sticky'] },
  cooperative: { ...classic, partitionAssignors: ['cooperative-sticky'] },
  consumer: { groupProtocol: 'consumer', heartbeatIntervalMs: undefined },
}

/** How long close() may take (ms). */
const CLOSE_MS = 5000

/** What a handler throws that is to fail. */
class PlannedFailure extends Error {}

export class Member {
  readonly consumer: Consumer<unknown, unknown>
  /** Nothing is to be read any more: a loop that fails does not begin again. */
  private isLeaving = false
  /** What no plan asked for. */
  readonly errors: unknown[] = []
  private readonly how: Joining
  private readonly plan: Plan
  private readonly oracle: Oracle
  private readonly deserializers: MemberDeserializers
  private readonly stop = new AbortController()
  private readonly failedTimes = new Map<number, number>()
  private readonly inHand = new Set<string>()
  private readonly handled = new Set<Entry>()
  private readonly work: Promise<void>

  constructor(cluster: TestCluster, how: Joining, plan: Plan, oracle: Oracle, late: LateResults) {
    this.how = how
    this.plan = plan
    this.oracle = oracle
    const deserializers = new MemberDeserializers(how, plan, oracle, late)
    this.deserializers = deserializers
    const isAhead = !['none', 'sync'].includes(how.deserializer)
    this.consumer = consumerOf(cluster, {
      groupId: 'g',
      autoOffsetReset: plan.resetsToLatest ? 'latest' : 'earliest',
      topics: ['t'],
      enableAutoCommit: !how.commitsByHand,
      autoCommitIntervalMs: 7,
      maxPollRecords: how.maxPollRecords,
      maxBufferedBytes: how.maxBufferedBytes,
      fetchMaxWaitMs: 20,
      ...groupOptions[plan.protocol],
      poisonRecords: how.poison === 'dead' ? { deadLetterTopic: deadTopic } : how.poison,
      onPoisonRecord: (error) => deserializers.leftOut(error),
      ...(isAhead && {
        interceptors: [{ onConsume: (records) => deserializers.intercepted(records) }],
      }),
      ...(deserializers.value !== undefined && { valueDeserializer: deserializers.value }),
      ...(deserializers.key !== undefined && { keyDeserializer: deserializers.key }),
    } as ConsumerOptions<unknown, unknown>)
    this.work = this.loop()
  }

  get readsRetryTopics(): boolean {
    return this.how.mode === 'retry' || this.how.mode === 'retryKey'
  }

  /** Whether its loop waits for a deserializer that may be late for ever; null: it has no such deserializer. */
  get isStuck(): boolean | null {
    return this.how.deserializer === 'stuck' ? this.deserializers.isStuck : null
  }

  async end(how: End): Promise<void> {
    if (how === 'abort') {
      this.stop.abort()
      await this.work
    }
    this.isLeaving = true
    if (how === 'unsubscribe') await this.consumer.unsubscribe().catch(() => {})
    await this.consumer.close({ timeoutMs: CLOSE_MS })
    this.deserializers.closed()
    this.stop.abort()
    await this.work
  }

  private async loop(): Promise<void> {
    while (!this.stop.signal.aborted && !this.isLeaving) {
      try {
        await this.pass()
        // A loop that ends by itself does so because the consumer is closed.
        return
      } catch (error) {
        if (this.stop.signal.aborted) return
        if (error instanceof PlannedFailure || this.isPlannedRefusal(error)) {
          this.oracle.changes++
          continue
        }
        if (!isOfClosing(error)) this.errors.push(error)
        return
      }
    }
  }

  /** A record that was read, and that its deserializer refuses. */
  private isPlannedRefusal(error: unknown): boolean {
    if (!(error instanceof DeserializationError)) return false
    const { topic, partition, offset, rawValue } = error
    this.oracle.refused(Number(rawValue), `${topic}-${partition}@${offset}`)
    return this.deserializers.refuses(Number(rawValue))
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
          await this.handleBatch(batch)
        }
        return
      case 'partitions':
        await this.readPartitions()
        return
      case 'runBatch':
        await consumer.run({
          eachBatch: (batch) => this.handleBatch(batch),
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
    const loops: ConsumerLoop<ConsumerRecord<unknown, unknown>>[] = []
    const works: Promise<void>[] = []
    let failure: unknown = null
    const read = async (loop: ConsumerLoop<ConsumerRecord<unknown, unknown>>): Promise<void> => {
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
      for (const entry of this.handled) entry.isLeft = true
      await Promise.all(loops.map((loop) => loop.return()))
      await Promise.all(works)
    }
    if (failure !== null) throw failure
  }

  /** One record in some never succeeds, and becomes a dead letter. */
  private async handleWithRetries(
    record: ConsumerRecord<unknown, unknown>,
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
    if (String(record.value) !== String(id)) {
      this.oracle.violations.push(`the value of record ${id} is ${record.value} when it is retried`)
    }
    if (failEvery > 0 && id % failEvery === 3) throw new PlannedFailure(`record ${id}`)
    if (attempt === 2 && id % 2 === 0) throw new PlannedFailure(`record ${id}`)
    this.oracle.finish(entry)
  }

  private async handleBatch(batch: ConsumerBatch<unknown, unknown>): Promise<void> {
    const seeks = this.oracle.seeksOf(batch.partition)
    for (const record of batch) await this.handle(record, false, seeks)
  }

  private async handle(
    record: ConsumerRecord<unknown, unknown>,
    fails = false,
    seeks?: number,
  ): Promise<void> {
    const { oracle, plan, how } = this
    const id = Number(textOf(record))
    const { partition, offset } = record
    const entry = oracle.begin(id, partition, Number(offset), seeks)
    // Throws where the deserializer has refused it.
    if (String(record.value) !== String(id)) {
      oracle.violations.push(`the value of record ${id} is ${record.value}`)
    }
    if (this.deserializers.isPoison(id)) {
      oracle.violations.push(`record ${id} was refused, and came`)
    }
    const isByKey = how.mode === 'key' || how.mode === 'retryKey'
    const lane = isByKey ? String(record.key ?? `no key ${id}`) : `${partition}`
    const hand = `${partition}/${lane}`
    if (this.inHand.has(hand)) oracle.violations.push(`two handlers at once for ${hand}`)
    this.inHand.add(hand)
    entry.running++
    this.handled.add(entry)
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
      entry.running--
      this.handled.delete(entry)
    }
    if (how.commitsByHand && id % 3 === 0 && !isByKey) {
      // It may be another member's by now.
      // By the record and not by its place, which may be one of a topic that was created again.
      await this.consumer.commit(record).catch((error: unknown) => {
        if (!(error instanceof KafkaError)) throw error
      })
    }
  }
}

/** That of a letter too, which close() left no time for: its record comes again. */
function isOfClosing(error: unknown): boolean {
  if (!(error instanceof KafkaError)) return false
  return error.code === 'ERR_KAFKA_CLOSED' || isOfClosing(error.cause)
}
