// `kafkawire perf produce|consume|latency`: what the cluster and this client can do, as Kafka's
// performance scripts measure it.

import type { Command } from 'commander'
import { monotonicMs, preciseMs } from '../../async/clock.ts'
import { startTimer } from '../../async/timers.ts'
import type { Producer } from '../../producer/producer.ts'
import {
  atLeast,
  clusterCommand,
  collect,
  newCommand,
  onRun,
  recordSize,
  required,
  topicName,
} from '../command.ts'
import { poolSize } from '../events.ts'
import { InputError, UsageError } from '../failures.ts'
import { bytes, whole } from '../format.ts'
import { readInputFile } from '../input-files.ts'
import { Latencies } from '../latencies.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { Throttle } from '../throttle.ts'

export function addPerf(program: Command): void {
  const perf = newCommand(program, 'perf', {
    summary: 'Measure producing, consuming, and latency from end to end',
    examples: [
      {
        text: 'Produce a million records of 100 bytes as fast as possible',
        command:
          'kafkawire perf produce --topic test --num-records 1000000 --record-size 100 --throughput -1',
      },
      {
        text: 'Read them back',
        command: 'kafkawire perf consume --topic test --num-records 1000000',
      },
      {
        text: 'From send to receipt',
        command: 'kafkawire perf latency --topic test --num-records 1000 --record-size 100',
      },
    ],
  })
  addProducePerf(perf)
  addConsumePerf(perf)
  addLatencyPerf(perf)
}

interface ProducePerfOptions {
  topic?: string
  numRecords?: number
  recordSize?: number
  payloadFile?: string
  payloadDelimiter: string
  throughput: number
  warmupRecords: number
  transactionalId?: string
  transactionDurationMs?: number
  producerProps?: string[]
  reportingInterval: number
}

function addProducePerf(parent: Command): void {
  const command = clusterCommand(parent, 'produce', {
    summary: 'Measure producing: rate, and latency until acknowledged',
    script: 'kafka-producer-perf-test',
    examples: [],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--num-records <n>', 'how many records', atLeast(1))
    .option('--record-size <bytes>', 'the size of each value', recordSize)
    .option('--payload-file <file>', 'values to choose from, in place of --record-size')
    .option('--payload-delimiter <text>', 'what parts the values of the file', '\\n')
    .option(
      '--throughput <n>',
      'at most this many records per second; -1 means no limit',
      atLeast(-1),
      -1,
    )
    .option('--warmup-records <n>', 'records at the beginning that are not counted', atLeast(0), 0)
    .option('--transactional-id <id>', 'write in transactions')
    .option('--transaction-duration-ms <ms>', 'how long each transaction is open', atLeast(1))
    .option('--producer-props <key=value...>', "properties of Java's producer")
    .option('--producer-property <key=value>', 'the same; can be repeated', collect)
    .option('--reporting-interval <ms>', 'how often the rate is printed', atLeast(1), 5000)
  command.hook('preAction', () => {
    const { producerProps = [], producerProperty = [] } = command.opts<{
      producerProps?: string[]
      producerProperty?: string[]
    }>()
    const all = [...producerProperty, ...producerProps]
    command.setOptionValue('producerProperty', all)
    const servers = all.find((text) => text.startsWith('bootstrap.servers='))
    if (servers !== undefined) command.setOptionValue('bootstrapServer', servers.split('=')[1])
  })
  onRun<ProducePerfOptions>(command, producePerf)
}

async function producePerf(session: Session, options: ProducePerfOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'perf produce')
  const count = required(options.numRecords, '--num-records', 'perf produce')
  const values = payloads(options)
  const latencies = new Latencies()
  const recent = { count: 0, bytes: 0, startedAt: monotonicMs(), latencies: new Latencies() }
  const { warmupRecords } = options
  let failed = 0
  let firstError: Error | null = null
  let acknowledged = 0
  const { transactionalId = session.producerOptions.transactionalId } = options
  const producer = (await session.openKafka()).producer({
    ...session.producerOptions,
    ...(transactionalId === undefined ? {} : { transactionalId }),
    onDelivery: (error, _, context) => {
      if (error !== null) {
        failed++
        firstError ??= error
        return
      }
      acknowledged++
      const sentAt = Number(context)
      if (sentAt < 0) return
      const ms = preciseMs() - sentAt
      latencies.add(ms)
      recent.latencies.add(ms)
      recent.count++
      recent.bytes += values[0].length
    },
  })
  const transaction = transactionsOf(
    producer,
    transactionalId,
    options.transactionDurationMs ?? 3000,
  )
  await transaction.begin()
  const throttle = new Throttle(options.throughput)
  const progress = new Progress('produced', count)
  const report = (): void => {
    const now = monotonicMs()
    const ms = now - recent.startedAt
    if (ms < options.reportingInterval) return
    if (!session.out.json && recent.count > 0) {
      progress.clear()
      session.out.line(resultLine(recent.count, recent.bytes, ms, recent.latencies))
    }
    Object.assign(recent, { count: 0, bytes: 0, startedAt: now, latencies: new Latencies() })
  }
  let startedAt = monotonicMs()
  let byteCount = 0
  try {
    for (let i = 0; i < count && !session.signal.aborted; i++) {
      if (i === warmupRecords) startedAt = monotonicMs()
      const value = values[i % values.length]
      if (i >= warmupRecords) byteCount += value.length
      const sentAt = i < warmupRecords ? -1 : preciseMs()
      if (!producer.enqueue({ topic, value }, sentAt)) await producer.drained()
      if (throttle.isAhead(i + 1)) await throttle.wait(session.signal)
      if (i % 256 === 0) {
        progress.update(acknowledged)
        report()
        await transaction.renew()
        // Acknowledgements and timers get their turn although records are taken at once.
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    }
    await producer.flush()
    await transaction.end()
  } finally {
    progress.clear()
  }
  const ms = Math.max(1, monotonicMs() - startedAt)
  session.out.line(
    `${resultLine(latencies.count, byteCount, ms, latencies)}, ${latencies.percentiles()}.`,
  )
  session.out.object({
    records: latencies.count,
    recordsPerSecond: Math.round((1000 * latencies.count) / ms),
    bytesPerSecond: Math.round((1000 * byteCount) / ms),
    latencyMs: latencies.summary(),
    failed,
  })
  if (failed > 0 && firstError !== null) throw firstError
}

function transactionsOf(
  producer: Producer,
  transactionalId: string | null | undefined,
  durationMs: number,
): { begin: () => Promise<void>; renew: () => Promise<void>; end: () => Promise<void> } {
  const nothing = async (): Promise<void> => {}
  if (typeof transactionalId !== 'string') return { begin: nothing, renew: nothing, end: nothing }
  let begunAt = 0
  const begin = async (): Promise<void> => {
    await producer.beginTransaction()
    begunAt = monotonicMs()
  }
  const end = (): Promise<void> => producer.commitTransaction()
  const renew = async (): Promise<void> => {
    if (monotonicMs() - begunAt < durationMs) return
    await end()
    await begin()
  }
  return { begin, renew, end }
}

function payloads(options: ProducePerfOptions): Buffer[] {
  const { recordSize: size = 0, payloadFile, payloadDelimiter } = options
  if ((size === 0) === (payloadFile === undefined)) {
    throw new UsageError('Give --record-size or --payload-file, and not both.')
  }
  if (payloadFile !== undefined) {
    const delimiter = payloadDelimiter.replaceAll('\\n', '\n').replaceAll('\\t', '\t')
    const values = readInputFile(payloadFile).split(delimiter)
    const kept = values.filter((value) => value !== '').map((value) => Buffer.from(value))
    if (kept.length > 0) return kept
    throw new UsageError(`--payload-file ${payloadFile} is empty.`)
  }
  // Letters, as Kafka's script writes them: about as compressible as it is there.
  return Array.from({ length: poolSize(64, size) }, () => {
    const value = Buffer.allocUnsafe(size)
    for (let i = 0; i < value.length; i++) value[i] = 65 + Math.floor(Math.random() * 26)
    return value
  })
}

function resultLine(count: number, byteCount: number, ms: number, latencies: Latencies): string {
  const { mean, max } = latencies.summary()
  return `${whole(count)} records sent, ${whole((1000 * count) / ms)} records/sec (${((1000 * byteCount) / ms / 1_048_576).toFixed(2)} MB/sec), ${mean.toFixed(2)} ms avg latency, ${max.toFixed(2)} ms max latency`
}

interface ConsumePerfOptions {
  topic?: string
  numRecords?: number
  messages?: number
  group?: string
  fromLatest?: boolean
  timeout: number
  fetchSize?: number
  reportingInterval: number
  showDetailedStats?: boolean
}

function addConsumePerf(parent: Command): void {
  const command = clusterCommand(parent, 'consume', {
    summary: 'Measure consuming',
    script: 'kafka-consumer-perf-test',
    examples: [],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--num-records <n>', 'how many records to read', atLeast(1))
    .option('--messages <n>', 'the same', atLeast(1))
    .option('--group <id>', 'read as a member of this group (default: all partitions, no group)')
    .option('--from-latest', 'begin at the end')
    .option('--timeout <ms>', 'end when no record has come for this long', atLeast(1), 10_000)
    .option('--fetch-size <bytes>', 'most that is fetched of a partition at once', atLeast(1))
    .option('--reporting-interval <ms>', 'how often the rate is printed', atLeast(1), 5000)
    .option('--show-detailed-stats', 'print the rate of each interval')
    .option('--consumer-property <key=value>', "a property of Java's consumer", collect)
  onRun<ConsumePerfOptions>(command, consumePerf)
}

async function consumePerf(session: Session, options: ConsumePerfOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'perf consume')
  const most = required(options.numRecords ?? options.messages, '--num-records', 'perf consume')
  const { group, fetchSize, fromLatest } = options
  const consumer = (await session.openKafka()).consumer({
    maxPollRecords: 5000,
    ...session.consumerOptions,
    autoOffsetReset: fromLatest ? 'latest' : 'earliest',
    ...(group === undefined ? {} : { groupId: group }),
    ...(fetchSize === undefined ? {} : { maxPartitionFetchBytes: fetchSize }),
  })
  if (group === undefined) {
    // Not `session.limits`: --timeout means something else here.
    const { signal } = session
    const [{ partitions }] = await session.admin.describeTopics([topic], { signal })
    consumer.assign(partitions.map(({ partition }) => ({ topic, partition })))
  } else {
    consumer.subscribe([topic])
  }
  const idle = new AbortController()
  let timer = startTimer(() => idle.abort(), options.timeout)
  const onInterrupt = (): void => idle.abort()
  session.signal.addEventListener('abort', onInterrupt)
  const progress = new Progress('consumed', most)
  const startedAt = monotonicMs()
  let firstAt = 0
  let lastAt = startedAt
  let count = 0
  let byteCount = 0
  const interval = { at: startedAt, count: 0, bytes: 0 }
  try {
    for await (const { records } of consumer.batches({ signal: idle.signal })) {
      clearTimeout(timer)
      timer = startTimer(() => idle.abort(), options.timeout)
      lastAt = monotonicMs()
      if (count === 0) firstAt = lastAt
      for (const { key, value } of records) {
        byteCount += (key?.length ?? 0) + (value?.length ?? 0)
        count++
        if (count === most) break
      }
      progress.update(count, byteCount)
      const sinceMs = lastAt - interval.at
      if (options.showDetailedStats && sinceMs >= options.reportingInterval) {
        progress.clear()
        const records = ((count - interval.count) * 1000) / sinceMs
        const volume = ((byteCount - interval.bytes) * 1000) / sinceMs
        session.out.line(`${whole(count)} records, ${whole(records)} records/s, ${bytes(volume)}/s`)
        Object.assign(interval, { at: lastAt, count, bytes: byteCount })
      }
      if (count >= most) break
    }
  } catch (error) {
    if (!idle.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
    session.signal.removeEventListener('abort', onInterrupt)
    progress.clear()
  }
  await consumer.close()
  // A wait at the end for records that did not come is not part of the measurement.
  const seconds = Math.max(0.001, ((count >= most ? monotonicMs() : lastAt) - startedAt) / 1000)
  const result = {
    records: count,
    bytes: byteCount,
    seconds,
    recordsPerSecond: Math.round(count / seconds),
    bytesPerSecond: Math.round(byteCount / seconds),
    firstRecordAfterMs: count === 0 ? null : firstAt - startedAt,
  }
  session.out.rows(
    [result],
    [
      { title: 'records', of: ({ records }) => whole(records) },
      { title: 'data', of: (row) => bytes(row.bytes) },
      { title: 'seconds', of: ({ seconds }) => seconds.toFixed(3) },
      { title: 'records/s', of: (row) => whole(row.recordsPerSecond) },
      { title: 'data/s', of: (row) => bytes(row.bytesPerSecond) },
      { title: 'first after', of: (row) => `${row.firstRecordAfterMs ?? 0} ms` },
    ],
  )
  if (count < most) {
    process.stderr.write(
      `Only ${whole(count)} of ${whole(most)} records came: none did for ${options.timeout} ms, or it was interrupted.\n`,
    )
  }
}

interface LatencyOptions {
  topic?: string
  numRecords?: number
  producerAcks: string
  recordSize?: number
}

function addLatencyPerf(parent: Command): void {
  const command = clusterCommand(parent, 'latency', {
    summary: 'Measure from send to receipt, one record at a time',
    script: 'kafka-e2e-latency',
    examples: [],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--num-records <n>', 'how many records', atLeast(1))
    .option('--producer-acks <acks>', 'all or 1', 'all')
    .option('--record-size <bytes>', 'the size of each value', recordSize)
  onRun<LatencyOptions>(command, latencyPerf)
}

async function latencyPerf(session: Session, options: LatencyOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'perf latency')
  const count = required(options.numRecords, '--num-records', 'perf latency')
  const size = required(options.recordSize, '--record-size', 'perf latency')
  if (options.producerAcks !== 'all' && options.producerAcks !== '1') {
    throw new UsageError(`--producer-acks ${options.producerAcks}: expected all or 1.`)
  }
  const [{ partitions }] = await session.admin.describeTopics([topic], session.limits)
  const consumer = (await session.openKafka()).consumer({
    ...session.consumerOptions,
    fetchMaxWaitMs: 500,
  })
  const ends = await consumer.endOffsets(
    partitions.map(({ partition }) => ({ topic, partition })),
    session.limits,
  )
  consumer.assign(ends)
  const producer = (await session.openKafka()).producer({
    ...session.producerOptions,
    acks: options.producerAcks === 'all' ? -1 : 1,
    enableIdempotence: options.producerAcks === 'all',
    lingerMs: 0,
  })
  const latencies = new Latencies()
  const progress = new Progress('measured', count)
  const received = consumer.records({ signal: session.signal })[Symbol.asyncIterator]()
  try {
    for (let i = 0; i < count && !session.signal.aborted; i++) {
      const value = Buffer.alloc(size, 65 + (i % 26))
      const sentAt = preciseMs()
      const sent = producer.send({ topic, value })
      const receipt = received.next().then((next) => {
        latencies.add(preciseMs() - sentAt)
        return next
      })
      const [next] = await Promise.all([receipt, sent])
      if (next.done || !next.value.value?.equals(value)) {
        throw new InputError(`Another producer writes to "${topic}": use a topic that is quiet.`)
      }
      progress.update(i + 1)
    }
  } catch (error) {
    if (!session.signal.aborted) throw error
  } finally {
    progress.clear()
    await received.return?.()
  }
  const { mean } = latencies.summary()
  session.out.line(`Avg latency: ${mean.toFixed(4)} ms`)
  session.out.line(`Percentiles: ${latencies.percentiles()}`)
  session.out.object({ records: latencies.count, latencyMs: latencies.summary() })
}
