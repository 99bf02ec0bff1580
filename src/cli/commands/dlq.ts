// `kafkawire dlq list|redrive`: what lies in a dead-letter topic, and sending it back to where it came from.

import type { Command } from 'commander'
import type { Consumer } from '../../consumer/consumer.ts'
import type { ProducerRecord } from '../../producer/record.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { TopicPartition } from '../../types.ts'
import { clusterCommand, newCommand, onRun, required } from '../command.ts'
import { FoundProblems } from '../failures.ts'
import { whole } from '../format.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'

interface DlqOptions {
  topic?: string
  group?: string
  to?: string
}

/** Headers of a dead letter begin with this. */
const PREFIX = '__kafkawire.errors.'
/** How often a record was sent back already. */
const REDRIVES = '__kafkawire.redrives'

export function addDlq(program: Command): void {
  const dlq = newCommand(program, 'dlq', {
    summary: 'Show dead letters, and send them back to where they came from',
    examples: [
      { text: 'Show what there is', command: 'kafkawire dlq list --topic orders-dlq' },
      {
        text: 'Send everything back, once the fault is mended',
        command: 'kafkawire dlq redrive --topic orders-dlq',
      },
    ],
  })
  const list = clusterCommand(dlq, 'list', {
    summary: 'Count dead letters by topic and error',
    examples: [],
  })
    .option('--topic <name>', 'the dead-letter topic')
    .option('--group <id>', 'only what this group has not sent back yet')
  onRun<DlqOptions>(list, listLetters)
  const redrive = clusterCommand(dlq, 'redrive', {
    summary: 'Send dead letters back to the topics that they came from',
    description:
      'Each is sent once: records and progress are written in one transaction, under a group of this command. The headers that describe the error are taken off. A dead letter that was cut because it was too large cannot be sent back: it is counted, and the exit code is 1.',
    examples: [],
  })
    .option('--topic <name>', 'the dead-letter topic')
    .option('--to <name>', 'send all to this topic (default: to where each came from)')
    .option('--group <id>', 'keeps the progress (default: kafkawire-redrive-<topic>)')
  onRun<DlqOptions>(redrive, redriveLetters)
}

async function listLetters(session: Session, options: DlqOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'dlq list')
  const kafka = await session.openKafka()
  const { places, ends } = await extent(session, topic)
  const starts = await startsOf(session, places, options.group)
  const consumer = kafka.consumer({ ...session.consumerOptions, maxPollRecords: 5000 })
  const kinds = new Map<
    string,
    { topic: string; exception: string; message: string; count: number }
  >()
  const end = new AbortController()
  consumer.assign(places.map((place) => ({ ...place, offset: starts.get(nameOf(place)) ?? 0n })))
  const stop = endWhenRead(consumer, ends, end)
  try {
    for await (const { records } of consumer.batches({ signal: end.signal })) {
      for (const record of records) {
        const found = {
          topic: errorHeader(record, 'topic') ?? '-',
          exception: errorHeader(record, 'exception') ?? '-',
          message: (errorHeader(record, 'message') ?? '-').slice(0, 80),
        }
        const key = JSON.stringify(found)
        const kind = kinds.get(key) ?? { ...found, count: 0 }
        kinds.set(key, kind)
        kind.count++
      }
      if (session.signal.aborted) break
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    stop()
  }
  await consumer.close()
  session.out.rows(
    [...kinds.values()].sort((a, b) => b.count - a.count),
    [
      { title: 'COUNT', of: ({ count }) => count },
      { title: 'CAME-FROM', of: ({ topic }) => topic },
      { title: 'ERROR', of: ({ exception }) => exception },
      { title: 'MESSAGE', of: ({ message }) => message },
    ],
  )
}

async function redriveLetters(session: Session, options: DlqOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'dlq redrive')
  const { group: groupId = `kafkawire-redrive-${topic}` } = options
  const kafka = await session.openKafka()
  const { ends } = await extent(session, topic)
  const producer = kafka.producer({ ...session.producerOptions, transactionalId: groupId })
  const consumer = kafka.consumer({
    ...session.consumerOptions,
    groupId,
    topics: [topic],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    isolationLevel: 'read_committed',
  })
  const end = new AbortController()
  const interrupt = (): void => end.abort()
  session.signal.addEventListener('abort', interrupt)
  const stop = endWhenRead(consumer, ends, end)
  const progress = new Progress('sent back', null)
  let sent = 0
  let skipped = 0
  let skippedOfAttempt = 0
  try {
    await kafka.pipe(
      consumer,
      (records) => {
        const letters = records.map((record) => originalOf(record, options.to))
        const outputs = letters.filter((record) => record !== null)
        skippedOfAttempt += letters.length - outputs.length
        return outputs
      },
      {
        producer,
        signal: end.signal,
        onCommit: ({ outputs }) => {
          sent += outputs
          skipped += skippedOfAttempt
          skippedOfAttempt = 0
          progress.update(sent)
        },
        onAbort: () => {
          skippedOfAttempt = 0
        },
      },
    )
  } finally {
    stop()
    progress.clear()
    session.signal.removeEventListener('abort', interrupt)
  }
  await consumer.close()
  await producer.close()
  session.out.line(`Sent ${whole(sent)} ${sent === 1 ? 'record' : 'records'} back.`)
  session.out.object({ sent, skipped })
  if (skipped === 0) return
  process.stderr.write(
    `${whole(skipped)} dead letters were not sent back: they were cut because they were too large, or do not say where they came from (give --to).\n`,
  )
  throw new FoundProblems()
}

/** The record as it was before it became a dead letter; null if that is not known. */
function originalOf(record: ConsumerRecord, to: string | undefined): ProducerRecord | null {
  const topic = to ?? errorHeader(record, 'topic')
  if (topic === undefined || errorHeader(record, 'omitted') !== undefined) return null
  const redrives = Number(headerValue(record, REDRIVES) ?? 0) + 1
  const headers = [...record.headers].filter(
    ({ key }) => !key.startsWith(PREFIX) && key !== REDRIVES,
  )
  return {
    topic,
    key: record.key,
    value: record.value,
    headers: [...headers, { key: REDRIVES, value: String(redrives) }],
  }
}

function errorHeader(record: ConsumerRecord, name: string): string | undefined {
  return headerValue(record, PREFIX + name)
}

/** The last header of this name: a record can have died twice. */
function headerValue(record: ConsumerRecord, name: string): string | undefined {
  return [...record.headers].findLast(({ key }) => key === name)?.value?.toString()
}

async function extent(
  session: Session,
  topic: string,
): Promise<{ places: TopicPartition[]; ends: Map<string, bigint> }> {
  const [{ partitions }] = await session.admin.describeTopics([topic], session.limits)
  const places = partitions.map(({ partition }) => ({ topic, partition }))
  // The last stable offset: an open transaction is not waited for.
  const ends = await session.admin.listOffsets(
    places.map((place) => ({ ...place, offset: 'latest' as const })),
    { ...session.limits, isolationLevel: 'read_committed' },
  )
  return { places, ends: new Map(ends.map((entry) => [nameOf(entry), entry.offset])) }
}

async function startsOf(
  session: Session,
  places: readonly TopicPartition[],
  group: string | undefined,
): Promise<Map<string, bigint>> {
  const first = await session.admin.listOffsets(
    places.map((place) => ({ ...place, offset: 'earliest' as const })),
    session.limits,
  )
  const starts = new Map(first.map((entry) => [nameOf(entry), entry.offset]))
  if (group === undefined) return starts
  const wanted = [{ groupId: group, partitions: places }]
  const [{ offsets }] = await session.admin.listConsumerGroupOffsets(wanted, session.limits)
  for (const entry of offsets) starts.set(nameOf(entry), entry.offset)
  return starts
}

/** Aborts when every partition that is assigned here is read to its end. */
function endWhenRead(
  consumer: Consumer,
  ends: ReadonlyMap<string, bigint>,
  end: AbortController,
): () => void {
  const check = async (): Promise<void> => {
    const own = consumer.assignment()
    if (own.length === 0) return
    for (const place of own) {
      if ((await consumer.position(place)) < (ends.get(nameOf(place)) ?? 0n)) return
    }
    end.abort()
  }
  const timer = setInterval(() => void check().catch(() => {}), 50)
  return () => clearInterval(timer)
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
