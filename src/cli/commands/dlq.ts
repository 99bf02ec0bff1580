// `kafkawire dlq list|redrive`: what lies in a dead-letter topic, and sending it back to where it came from.

import type { Command } from 'commander'
import type { Consumer } from '../../consumer/consumer.ts'
import type { ProducerRecord } from '../../producer/record.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { TopicPartition } from '../../types.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  collect,
  newCommand,
  onRun,
  required,
  topicName,
} from '../command.ts'
import {
  copyOf,
  errorHeader,
  type LetterFilter,
  letterFilter,
  originalOf,
  type RedriveRules,
} from '../dead-letters.ts'
import { FoundProblems } from '../failures.ts'
import { whole } from '../format.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'

interface DlqOptions extends RedriveRules {
  topic?: string
  group?: string
  filter?: string[]
  maxMessages?: number
  dryRun?: boolean
}

export function addDlq(program: Command): void {
  const dlq = newCommand(program, 'dlq', {
    summary: 'Show dead letters, and send them back to where they came from',
    examples: [
      { text: 'Show what there is', command: 'kafkawire dlq list --topic orders-dlq' },
      {
        text: 'Send everything back, once the fault is mended',
        command: 'kafkawire dlq redrive --topic orders-dlq',
      },
      {
        text: 'See first what would be sent back: time-outs, ten at most',
        command:
          "kafkawire dlq redrive --topic orders-dlq --filter 'message~timed out' --max-messages 10 --dry-run",
      },
    ],
  })
  const list = clusterCommand(dlq, 'list', {
    summary: 'Count dead letters by topic and error',
    examples: [],
  })
    .option('--topic <name>', 'the dead-letter topic', topicName)
    .option('--group <id>', 'only what this group has not sent back yet')
  onRun<DlqOptions>(addTimeout(list), listLetters)
  const redrive = clusterCommand(dlq, 'redrive', {
    summary: 'Send dead letters back to the topics that they came from',
    description:
      'Each is sent once: records and progress are written in one transaction, under a group of this command, so that a second run continues where the first one ended. The headers that describe the error are taken off; all others stay, and `__kafkawire.redrives` counts how often the record was sent back. A dead letter that --filter leaves out is written to the end of the dead-letter topic again, so that a later run finds it. A dead letter that was cut because it was too large cannot be sent back: it is counted, and the exit code is 1.',
    examples: [],
  })
    .option('--topic <name>', 'the dead-letter topic', topicName)
    .option('--to <name>', 'send all to this topic (default: to where each came from)', topicName)
    .option('--group <id>', 'keeps the progress (default: kafkawire-redrive-<topic>)')
    .option(
      '--filter <condition>',
      'only those with field=text or field~regex: topic, partition, exception, message, key, header.NAME; can be repeated',
      collect,
    )
    .option('--max-messages <n>', 'send back this many at most', atLeast(1))
    .option('--keep-error-headers', 'leave the headers that describe the error on the records')
    .option('--dry-run', 'only count what would be sent back, and where to')
  onRun<DlqOptions>(addTimeout(redrive), redriveLetters)
}

async function listLetters(session: Session, options: DlqOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'dlq list')
  const kinds = new Map<
    string,
    { topic: string; exception: string; message: string; count: number }
  >()
  await readLetters(session, topic, options.group, (letter) => {
    const found = {
      topic: errorHeader(letter, 'topic') ?? '-',
      exception: errorHeader(letter, 'exception') ?? '-',
      message: (errorHeader(letter, 'message') ?? '-').slice(0, 80),
    }
    const key = JSON.stringify(found)
    const kind = kinds.get(key) ?? { ...found, count: 0 }
    kinds.set(key, kind)
    kind.count++
    return true
  })
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

/**
 * Reads what lies in a dead-letter topic now.
 * @param group from what it has committed; absent: from the beginning
 * @param visit returns whether to continue
 */
async function readLetters(
  session: Session,
  topic: string,
  group: string | undefined,
  visit: (letter: ConsumerRecord) => boolean,
): Promise<void> {
  const kafka = await session.openKafka()
  const { places, ends } = await extent(session, topic)
  const starts = await startsOf(session, places, group)
  const consumer = kafka.consumer({ ...session.consumerOptions, maxPollRecords: 5000 })
  const end = new AbortController()
  consumer.assign(places.map((place) => ({ ...place, offset: starts.get(nameOf(place)) ?? 0n })))
  const stop = endWhenRead(consumer, ends, end)
  try {
    for await (const { records } of consumer.batches({ signal: end.signal })) {
      if (!records.every(visit) || session.signal.aborted) break
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  } finally {
    stop()
  }
  await consumer.close()
}

/** Counts by topic what would be sent back. */
async function tryRedrive(
  session: Session,
  topic: string,
  groupId: string,
  takes: LetterFilter,
  options: DlqOptions,
): Promise<void> {
  const counts = new Map<string, number>()
  let sent = 0
  let skipped = 0
  await readLetters(session, topic, groupId, (letter) => {
    if (!takes(letter)) return true
    const original = originalOf(letter, options)
    if (original === null) {
      skipped++
      return true
    }
    const to = String(original.topic)
    counts.set(to, (counts.get(to) ?? 0) + 1)
    return ++sent !== options.maxMessages
  })
  session.out.rows(
    [...counts].map(([topic, count]) => ({ topic, count })),
    [
      { title: 'COUNT', of: ({ count }) => count },
      { title: 'TO', of: ({ topic }) => topic },
    ],
  )
  if (skipped > 0) tellSkipped(skipped, 'would not be')
}

async function redriveLetters(session: Session, options: DlqOptions): Promise<void> {
  const topic = required(options.topic, '--topic', 'dlq redrive')
  const { group: groupId = `kafkawire-redrive-${topic}`, maxMessages } = options
  const takes = letterFilter(options.filter ?? [])
  if (options.dryRun === true) {
    await tryRedrive(session, topic, groupId, takes, options)
    return
  }
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
    // What was read is committed: with a limit, no more is to be read than is sent.
    ...(maxMessages !== undefined && { maxPollRecords: 1 }),
  })
  const end = new AbortController()
  const interrupt = (): void => end.abort()
  session.signal.addEventListener('abort', interrupt)
  const stop = endWhenRead(consumer, ends, end)
  const progress = new Progress('sent back', null)
  const total = new Tally()
  let attempt = new Tally()
  try {
    await kafka.pipe(
      consumer,
      (letters) =>
        letters.flatMap((letter) => {
          if (!takes(letter)) return attempt.leave(copyOf(letter))
          const original = originalOf(letter, options)
          if (original === null) return attempt.skip()
          if (total.sent + attempt.sent + 1 === maxMessages) end.abort()
          return attempt.send(original)
        }),
      {
        producer,
        signal: end.signal,
        onCommit: () => {
          total.add(attempt)
          attempt = new Tally()
          progress.update(total.sent)
        },
        onAbort: () => {
          attempt = new Tally()
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
  const { sent, skipped, left } = total
  const rest = left === 0 ? '' : ` ${whole(left)} that the filter left out are still there.`
  session.out.line(`Sent ${whole(sent)} ${sent === 1 ? 'record' : 'records'} back.${rest}`)
  session.out.object({ sent, skipped, left })
  if (skipped > 0) tellSkipped(skipped, 'were not')
}

/** What became of dead letters. */
class Tally {
  sent = 0
  skipped = 0
  left = 0

  send(record: ProducerRecord): ProducerRecord[] {
    this.sent++
    return [record]
  }

  leave(record: ProducerRecord): ProducerRecord[] {
    this.left++
    return [record]
  }

  skip(): ProducerRecord[] {
    this.skipped++
    return []
  }

  add({ sent, skipped, left }: Tally): void {
    this.sent += sent
    this.skipped += skipped
    this.left += left
  }
}

/** @throws {FoundProblems} */
function tellSkipped(skipped: number, were: string): never {
  process.stderr.write(
    `${whole(skipped)} dead letters ${were} sent back: they were cut because they were too large, or do not say where they came from (give --to).\n`,
  )
  throw new FoundProblems()
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
