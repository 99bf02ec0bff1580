// Runs a plan against the in-process broker, and judges what came of it.

import { replaceClock } from '../../../src/async/clock.ts'
import {
  KafkaError,
  OutcomeUnknownError,
  TimeoutError,
  TransactionAbortableError,
} from '../../../src/errors.ts'
import { silentLogger } from '../../../src/logger.ts'
import { resolveKafkaOptions } from '../../../src/options/kafka-options.ts'
import { resolveProducerOptions } from '../../../src/producer/options.ts'
import { Producer } from '../../../src/producer/producer.ts'
import type { ProducerCore } from '../../../src/producer/producer-core.ts'
import type { ProducerRecord } from '../../../src/producer/record.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { Faults, pause } from './faults.ts'
import { judge, type TransactionFate } from './log-oracle.ts'
import type { Plan, RecordPlan, Step } from './plan.ts'
import { type Given, makeRecord } from './records.ts'

const topics = ['a', 'b', 'c'] as const
const group = { groupId: 'g', generationId: -1, memberId: '', groupInstanceId: null }
/** A run takes a fraction of this unless something hangs. */
const mostMs = 20_000

const smallRecord: Omit<RecordPlan, 'topic' | 'partition'> = {
  key: { kind: 'null', size: 0 },
  value: { kind: 'text', size: 10 },
  headers: [],
  headersAs: 'none',
  serializer: 'none',
}

const disturbing: ReadonlySet<Step['do']> = new Set<Step['do']>([
  'fault',
  'moveLeader',
  'moveCoordinator',
  'recreate',
  'cutConnections',
])

let wallOffsetMs = 0

/** @throws what is wrong, and what was done until then */
export async function runPlan(plan: Plan): Promise<void> {
  const restore = replaceClock({ wallMs: () => Date.now() + wallOffsetMs })
  const run = await Run.start(plan)
  try {
    await run.go()
  } finally {
    wallOffsetMs = 0
    restore()
    await run.end()
  }
}

class Run {
  private readonly plan: Plan
  private readonly cluster: TestCluster
  private readonly producer: Producer
  private readonly faults: Faults
  private readonly given: Given[] = []
  private readonly open = new Set<Promise<unknown>>()
  private readonly fates: TransactionFate[] = []
  private readonly incarnations = new Map<string, number>(topics.map((topic) => [topic, 0]))
  private readonly counts: number[]
  private transaction = 0
  private offset: bigint | null = null
  private tellings = 0
  private isDone = false
  /** Whether nothing has disturbed the transaction since its begin. */
  private isCalm = false
  private readonly firstTime = Date.now() - 3_000_000

  static async start(plan: Plan): Promise<Run> {
    const { transactionVersion } = plan
    const cluster = await TestCluster.start({
      nodes: 2,
      topics: { input: 1 },
      properties: { transactionVersion },
      record: false,
    })
    plan.topics.forEach(({ maxMessageBytes, partitions }, i) => {
      const configs = { 'max.message.bytes': String(maxMessageBytes) }
      cluster.createTopic(topics[i], { partitions, configs })
    })
    return new Run(plan, cluster)
  }

  private constructor(plan: Plan, cluster: TestCluster) {
    this.plan = plan
    this.cluster = cluster
    this.counts = plan.topics.map(({ partitions }) => partitions)
    const connection = resolveKafkaOptions({
      bootstrapServers: cluster.bootstrapServers,
      reconnectBackoffMs: 1,
      reconnectBackoffMaxMs: 5,
      retryBackoffMs: 1,
      retryBackoffMaxMs: 10,
      requestTimeoutMs: 150,
      logger: silentLogger,
    })
    const { acks, enableIdempotence, batchSize, bufferMemory, maxRequestSize, lingerMs } = plan
    const options = resolveProducerOptions(
      {
        acks,
        enableIdempotence,
        batchSize,
        bufferMemory,
        maxRequestSize,
        lingerMs,
        compressionType: plan.compressionType,
        maxBlockMs: 600,
        deliveryTimeoutMs: 1500,
        onDelivery: (error, { partition, offset }, context) => {
          if (context === undefined) return
          const record = context as Given
          record.toldAt = this.tellings++
          record.told.push({ error, partition, offset })
        },
        ...(plan.isTransactional && { transactionalId: 'x' }),
      },
      connection,
    )
    this.producer = new Producer(connection, options)
    this.faults = new Faults(cluster)
  }

  async go(): Promise<void> {
    const late = setTimeout(() => this.hang(), mostMs)
    try {
      await this.begin()
      if (this.plan.isWarm) await this.warmUp()
      for (const step of this.plan.steps) await this.step(step)
      await this.faults.end()
      if (this.plan.isTransactional) await this.endTransaction('commit', false)
      await this.within(this.producer.flush(), 'flush()')
      await this.within(Promise.all(this.open), 'a promise of a record')
      await this.requireEmpty()
    } finally {
      clearTimeout(late)
    }
    await this.within(this.producer.close(), 'close()')
    this.isDone = true
    await judge({
      cluster: this.cluster,
      topics,
      given: this.given,
      isIdempotent: this.plan.enableIdempotence,
      transactions: this.fates,
      incarnations: this.incarnations,
    })
    await this.cluster.waitFor(() => this.cluster.connections.length === 0)
  }

  async end(): Promise<void> {
    await this.faults.end()
    if (!this.isDone) await this.producer.close({ timeoutMs: 0 })
    await this.cluster.close()
  }

  private async step(step: Step): Promise<void> {
    if (disturbing.has(step.do)) this.isCalm = false
    switch (step.do) {
      case 'send':
        return this.send(step.record, step.limit)
      case 'sendBatch':
        return this.sendBatch(step.records, step.throwsAt)
      case 'enqueue':
        return this.enqueue(step.records)
      case 'flush':
        return this.within(this.producer.flush(), 'flush()')
      case 'pause':
        return pause(step.ms)
      case 'fault':
        return this.faults.add(step)
      case 'moveLeader': {
        const { topic, partition, node } = step
        if (partition < this.counts[topic]) this.cluster.moveLeader(topics[topic], partition, node)
        return
      }
      case 'moveCoordinator':
        this.cluster.moveCoordinator('x', step.node)
        return
      case 'recreate': {
        const topic = topics[step.topic]
        this.incarnations.set(topic, (this.incarnations.get(topic) ?? 0) + 1)
        this.cluster.recreateTopic(topic)
        return
      }
      case 'addPartition': {
        const count = this.counts[step.topic] + 1
        if (count > 3) return
        this.counts[step.topic] = count
        this.cluster.createPartitions(topics[step.topic], count)
        return
      }
      case 'cutConnections':
        return this.cluster.disconnectAll()
      case 'setClock':
        wallOffsetMs = step.hours * 3_600_000
        return
      case 'end':
        if (!this.plan.isTransactional) return
        if (step.offsets) await this.sendOffsets()
        if (step.how === 'loseEnds') {
          await this.endWithoutOutcome()
          await this.begin()
          if (!step.again) return
          // Nothing of the transaction that was lost may count for this one.
          await this.sendOffsets()
          await this.endTransaction('commit', false)
          return this.begin()
        }
        if (step.how === 'refuseInDoubt') this.faults.ends = ['loseResponse', 'failure']
        await this.endTransaction(
          step.how === 'abort' ? 'abort' : 'commit',
          step.how === 'commitShortly',
        )
        return this.begin()
    }
  }

  private async begin(): Promise<void> {
    if (!this.plan.isTransactional) return
    for (let attempt = 0; ; attempt++) {
      try {
        await this.within(this.producer.beginTransaction(), 'beginTransaction()')
        break
      } catch (error) {
        if (!(error instanceof KafkaError) || attempt > 20) throw error
        if (/initTransactions/.test(error.message)) {
          await this.within(this.producer.initTransactions(), 'init').catch(() => {})
        }
      }
    }
    this.transaction++
    this.offset = null
    this.isCalm = this.faults.areOver
  }

  private async sendOffsets(): Promise<void> {
    const offset = BigInt(this.transaction)
    this.offset = offset
    // A failure makes the transaction abortable: its end says so.
    await this.within(
      this.producer.sendOffsets([{ topic: 'input', partition: 0, offset }], group),
      'sendOffsets()',
    ).catch((error: unknown) => {
      // A time-out says that the machine is slow, as the limits of a run are short.
      const mayBe = error instanceof TransactionAbortableError || error instanceof TimeoutError
      if (!this.isCalm || mayBe) return
      throw new Error(`sendOffsets() failed although nothing was wrong: ${error}`)
    })
  }

  private async endTransaction(how: 'commit' | 'abort', isShort: boolean): Promise<void> {
    const { transaction: number, offset } = this
    const outcome = await this.outcomeOfEnd(how, isShort)
    this.faults.ends = []
    this.fates.push({ number, outcome, offset })
    if (outcome === 'committed' && offset !== null) await this.requireOffset(offset)
  }

  /** What was committed is there, whatever comes after it. */
  private async requireOffset(offset: bigint): Promise<void> {
    const stored = (): bigint | null => this.cluster.committedOffset('g', 'input', 0)
    await this.cluster
      .waitFor(() => stored() === offset)
      .catch(() => {
        throw new Error(`the group is at ${stored()}, and offset ${offset} was committed`)
      })
  }

  private async outcomeOfEnd(
    how: 'commit' | 'abort',
    isShort: boolean,
  ): Promise<TransactionFate['outcome']> {
    const { producer } = this
    if (how === 'commit') {
      try {
        const limits = isShort ? { timeoutMs: 3 } : {}
        await this.within(producer.commitTransaction(limits), 'commitTransaction()')
        return 'committed'
      } catch (error) {
        if (error instanceof OutcomeUnknownError) return this.outcomeOfDoubt()
      }
    }
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        await this.within(producer.abortTransaction(), 'abortTransaction()')
        return 'aborted'
      } catch (error) {
        if (!(error instanceof OutcomeUnknownError)) throw error
      }
    }
    await this.initAgain()
    return 'aborted'
  }

  /** The same commit again, until it has an outcome. */
  private async outcomeOfDoubt(): Promise<TransactionFate['outcome']> {
    const { producer } = this
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        await this.within(producer.commitTransaction(), 'commitTransaction()')
        return 'committed'
      } catch (again) {
        if (!(again instanceof OutcomeUnknownError)) break
      }
    }
    try {
      await this.within(producer.abortTransaction(), 'abort')
      return 'aborted'
    } catch {
      await this.initAgain()
      return 'unknown'
    }
  }

  /** No EndTxn has a response until the call gives up; then a new identity is asked for. */
  private async endWithoutOutcome(): Promise<void> {
    const { producer, transaction: number, offset } = this
    this.faults.isLosingEnds = true
    try {
      await this.within(producer.commitTransaction(), 'commitTransaction()')
    } catch (error) {
      this.faults.isLosingEnds = false
      if (error instanceof OutcomeUnknownError) await this.initAgain()
      else return await this.endTransaction('abort', false)
    }
    this.faults.isLosingEnds = false
    this.fates.push({ number, outcome: 'unknown', offset })
  }

  private async initAgain(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.within(this.producer.initTransactions(), 'initTransactions()')
        return
      } catch (error) {
        if (attempt > 20) throw error
      }
    }
  }

  /** A record of the run, not yet sent. */
  private make(plan: RecordPlan): { given: Given; record: ProducerRecord } {
    const topic = topics[plan.topic]
    const id = this.firstTime + this.given.length
    const { record, bytes } = makeRecord(plan, topic, plan.partition, id)
    const given: Given = {
      id,
      topic,
      partition: plan.partition,
      ...bytes,
      transaction: this.transaction,
      incarnation: this.incarnations.get(topic) ?? 0,
      outcome: null,
      told: [],
      toldAt: -1,
      isLimited: false,
    }
    this.given.push(given)
    return { given, record }
  }

  private send(plan: RecordPlan, limit: 'none' | 'short' | 'aborted'): void {
    const { given, record } = this.make(plan)
    const controller = new AbortController()
    given.isLimited = limit !== 'none'
    const options =
      limit === 'none'
        ? undefined
        : limit === 'short'
          ? { timeoutMs: 2 }
          : { signal: controller.signal }
    this.settle(
      this.producer.send(record, options).then(
        ({ partition, offset }) => {
          given.outcome = { error: null, partition, offset }
        },
        (error: unknown) => {
          given.outcome = { error, partition: -1, offset: -1n }
        },
      ),
    )
    if (limit === 'aborted') controller.abort('aborted')
  }

  /** A record to each partition. */
  private async warmUp(): Promise<void> {
    this.counts.forEach((count, topic) => {
      for (let partition = 0; partition < count; partition++) {
        this.send({ ...smallRecord, topic, partition }, 'none')
      }
    })
    await this.within(Promise.all(this.open), 'a promise of a first record')
  }

  private sendBatch(plans: readonly RecordPlan[], throwsAt: number): void {
    const made = plans.map((plan) => this.make(plan))
    function* source() {
      for (let i = 0; i < made.length; i++) {
        if (i === throwsAt) throw new Error('the source failed')
        yield made[i].record
      }
    }
    this.settle(
      this.producer.sendBatch(source()).then(
        (metadata) => {
          metadata.forEach(({ partition, offset }, i) => {
            made[i].given.outcome = { error: null, partition, offset }
          })
        },
        (error: { results?: readonly { metadata: unknown; error: unknown }[] }) => {
          made.forEach(({ given }, i) => {
            const result = error.results?.[i]
            const place = result?.metadata as
              | { partition: number; offset: bigint }
              | null
              | undefined
            given.outcome = place
              ? { error: null, partition: place.partition, offset: place.offset }
              : { error: result?.error ?? error, partition: -1, offset: -1n }
          })
        },
      ),
    )
  }

  private async enqueue(plans: readonly RecordPlan[]): Promise<void> {
    for (const plan of plans) {
      const { given, record } = this.make(plan)
      try {
        if (!this.producer.enqueue(record, given)) {
          await this.within(this.producer.drained(), 'drained()').catch(() => {})
        }
      } catch (error) {
        given.outcome = { error, partition: -1, offset: -1n }
        given.isLimited = true
      }
    }
  }

  private settle(promise: Promise<void>): void {
    const open = promise.finally(() => this.open.delete(open))
    this.open.add(open)
  }

  private async requireEmpty(): Promise<void> {
    const { memory, flushes } = (this.producer as unknown as { core: ProducerCore }).core
    // A batch that has timed out holds its bytes until its request ends.
    for (let waited = 0; memory.used !== 0 && waited < 2000; waited += 10) await pause(10)
    if (memory.used !== 0) throw new Error(`${memory.used} bytes of the budget are not given back`)
    if (!flushes.isEmpty) throw new Error('something is still alive after flush()')
    const unknown = this.given.find(({ outcome, told }) => outcome === null && told.length === 0)
    if (unknown !== undefined) throw new Error(`record ${unknown.id} has no outcome`)
  }

  /** `work`, which must end in time. */
  private async within<T>(work: Promise<T>, what: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new RangeError(`${what} hangs`)), mostMs / 2)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  private hang(): void {
    this.cluster.disconnectAll()
  }
}
