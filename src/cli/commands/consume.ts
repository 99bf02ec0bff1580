// `kafkawire consume`: records to standard output, as kafka-console-consumer and kcat do.

import type { Command } from 'commander'
import { joinSignals } from '../../async/any-signal.ts'
import { wallMs } from '../../async/clock.ts'
import { startTimer } from '../../async/timers.ts'
import type { Consumer } from '../../consumer/consumer.ts'
import type { ConsumerOptions, IsolationLevel } from '../../consumer/options.ts'
import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { TopicPartition } from '../../types.ts'
import { atLeast, clusterCommand, collect, oneOf, onRun, topicName } from '../command.ts'
import { instantMs } from '../durations.ts'
import { InputError, UsageError } from '../failures.ts'
import { Progress } from '../progress.ts'
import { chosenFormat, type FormatOptions, type RecordFormat } from '../record-format.ts'
import type { Session } from '../session.ts'
import { topicMatcher } from '../topic-selection.ts'

interface ConsumeOptions extends FormatOptions {
  topic?: string
  include?: string
  whitelist?: string
  group?: string
  fromBeginning?: boolean
  partition?: number
  offset?: string
  maxMessages?: number
  timeoutMs?: number
  exit?: boolean
  isolationLevel?: IsolationLevel
  skipMessageOnError?: boolean
}

export function addConsume(program: Command): void {
  const command = clusterCommand(program, 'consume', {
    summary: 'Print the records of a topic',
    script: 'kafka-console-consumer',
    description:
      'Without --group it reads all partitions, commits nothing and leaves no group behind. It ends on Ctrl-C, after --max-messages, after --timeout-ms without a record, or with --exit at the present end.',
    examples: [
      { text: 'Follow a topic', command: 'kafkawire consume --topic orders' },
      {
        text: 'Print what is there, and end',
        command: 'kafkawire consume --topic orders --from-beginning --exit',
      },
      {
        text: 'Keys, values, offsets and headers',
        command: "kafkawire consume --topic orders --format '%k %v %o %h'",
      },
      {
        text: 'The last ten records of a partition, as JSON',
        command: 'kafkawire consume --topic orders --partition 0 --offset -10 --exit --json',
      },
      {
        text: 'As a member of a group',
        command: 'kafkawire consume --topic orders --group billing --property print.key=true',
      },
    ],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--include <regex>', 'all topics that match')
    .option('--whitelist <regex>', 'the same')
    .option('--group <id>', 'read as a member of this group, and commit')
    .option('--from-beginning', 'begin with the oldest record, where nothing is committed')
    .option('--partition <n>', 'only this partition', atLeast(0))
    .option(
      '--offset <offset>',
      'earliest, latest, an offset, -n for the last n, or a time: where to begin',
    )
    .option('--max-messages <n>', 'end after this many records', atLeast(0))
    .option('--timeout-ms <ms>', 'end when no record has come for this long', atLeast(0))
    .option('-e, --exit', 'end at what is the end when it begins')
    .option('-f, --format <template>', '%k key, %v value, %o offset, %p, %t, %T time, %h headers')
    .option(
      '--property <key=value>',
      'print.key, print.value, print.headers, print.timestamp, print.partition, print.offset, key.separator, line.separator, headers.separator, null.literal; can be repeated',
      collect,
    )
    .option('--formatter-property <key=value>', 'the same', collect)
    .option('--key-deserializer <class>', 'such as LongDeserializer')
    .option('--value-deserializer <class>', 'such as IntegerDeserializer')
    .option(
      '--isolation-level <level>',
      'read_committed or read_uncommitted',
      oneOf(['read_committed', 'read_uncommitted']),
    )
    .option('--skip-message-on-error', 'accepted: records that cannot be shown are shown as bytes')
    .option(
      '--consumer-property <key=value>',
      "a property of Java's consumer; can be repeated",
      collect,
    )
    .option('--consumer-config <file>', "properties of Java's consumer")
  command.option('--consumer.config <file>', 'the same').hook('preAction', () => {
    const dotted: unknown = command.getOptionValue('consumer.config')
    if (typeof dotted === 'string') command.setOptionValue('consumerConfig', dotted)
  })
  onRun<ConsumeOptions>(command, run)
}

async function run(session: Session, options: ConsumeOptions): Promise<void> {
  const pattern = options.include ?? options.whitelist
  if ((options.topic === undefined) === (pattern === undefined)) {
    throw new UsageError('Give --topic or --include, and not both.')
  }
  if (options.partition !== undefined && options.topic === undefined) {
    throw new UsageError('--partition needs --topic.')
  }
  if (options.offset !== undefined && options.fromBeginning) {
    throw new UsageError('Give --offset or --from-beginning, and not both.')
  }
  const groupId = options.group ?? session.consumerOptions.groupId
  if (groupId !== undefined && (options.partition ?? options.offset) !== undefined) {
    throw new UsageError(
      '--group cannot be combined with --partition or --offset: the group decides.',
    )
  }
  const format = chosenFormat(session.out.json, options)
  const matches = topicMatcher(pattern)
  const start = options.offset === undefined ? null : startOf(options.offset)
  const consumer = (await session.openKafka()).consumer(consumerOptions(session, options, groupId))
  const ends =
    groupId === undefined
      ? await assign(session, consumer, options, { pattern, matches, start })
      : await subscribe(session, consumer, options, { pattern, matches })
  const commits = groupId !== undefined && session.consumerOptions.enableAutoCommit !== false
  const count = await print(session, consumer, options, format, ends, commits)
  await consumer.close()
  if (!session.out.json && !session.isPipeClosed)
    process.stderr.write(`Processed a total of ${count} messages\n`)
}

function consumerOptions(
  session: Session,
  options: ConsumeOptions,
  groupId: string | undefined,
): ConsumerOptions {
  const chosen: ConsumerOptions = { maxPollRecords: 5000, ...session.consumerOptions }
  if (groupId !== undefined) chosen.groupId = groupId
  if (options.fromBeginning) chosen.autoOffsetReset = 'earliest'
  else chosen.autoOffsetReset ??= 'latest'
  if (options.isolationLevel !== undefined) chosen.isolationLevel = options.isolationLevel
  return chosen
}

/** Where each partition ends now; null: that is not asked for. */
type Ends = Map<string, { place: TopicPartition; end: bigint }> | null

/** The topics that are to be read. */
interface Selection {
  pattern: string | undefined
  matches: (topic: string) => boolean
}

async function subscribe(
  session: Session,
  consumer: Consumer,
  options: ConsumeOptions,
  selection: Selection,
): Promise<Ends> {
  const { pattern } = selection
  if (pattern === undefined) {
    // A member of a group would wait for a topic that does not exist without a word.
    await session.admin.describeTopics([options.topic ?? ''], session.limits)
    consumer.subscribe([options.topic ?? ''])
  } else {
    consumer.subscribe([new RegExp(`^(?:${pattern.replaceAll(',', '|')})$`)])
  }
  if (!options.exit) return null
  return endsOf(session, consumer, await placesOf(session, options, selection))
}

async function assign(
  session: Session,
  consumer: Consumer,
  options: ConsumeOptions,
  selection: Selection & { start: Start | null },
): Promise<Ends> {
  const places = await placesOf(session, options, selection)
  const starts = await startsOf(session, consumer, selection.start, places)
  const ends = options.exit ? await endsOf(session, consumer, places) : null
  consumer.assign(
    places.map((place) => {
      const offset = starts.get(nameOf(place))
      return offset === undefined ? place : { ...place, offset }
    }),
  )
  return ends
}

async function placesOf(
  session: Session,
  options: ConsumeOptions,
  { pattern, matches }: Selection,
): Promise<TopicPartition[]> {
  const { admin, limits } = session
  let names = [options.topic ?? '']
  if (pattern !== undefined) {
    names = (await admin.listTopics(limits)).map(({ topic }) => topic).filter(matches)
    if (names.length === 0) throw new InputError(`No topic matches '${pattern}'.`)
  }
  const topics = await admin.describeTopics(names, limits)
  const places = topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition }) => ({ topic, partition })),
  )
  const chosen = options.partition
  if (chosen === undefined) return places
  const kept = places.filter(({ partition }) => partition === chosen)
  if (kept.length > 0) return kept
  throw new InputError(
    `--partition ${chosen}: topic "${options.topic}" has partitions 0 to ${places.length - 1}.`,
  )
}

/** Where to begin: an end of the log, an offset, a number of records before the end, or a time. */
type Start =
  | 'earliest'
  | 'latest'
  | { offset: bigint }
  | { fromEnd: bigint }
  | { timestamp: number }

/** @throws UsageError for what is none of these */
function startOf(text: string): Start {
  const word = text.toLowerCase()
  if (word === 'earliest' || word === 'beginning') return 'earliest'
  if (word === 'latest' || word === 'end') return 'latest'
  if (/^\d{1,18}$/.test(word)) return { offset: BigInt(word) }
  if (/^-\d{1,18}$/.test(word)) return { fromEnd: BigInt(word) }
  const timestamp = instantOf(text)
  if (timestamp > wallMs()) throw new UsageError(`--offset ${text} lies in the future.`)
  return { timestamp }
}

function instantOf(offset: string): number {
  try {
    return instantMs(offset.replace(/^s@/, ''), '--offset')
  } catch {
    throw new UsageError(
      `--offset ${offset}: expected earliest, latest, an offset, -n for the last n records, or a time such as 2026-01-31T10:00:00.000.`,
    )
  }
}

/** Where to begin; partitions that are not named begin as `autoOffsetReset` says. */
async function startsOf(
  session: Session,
  consumer: Consumer,
  start: Start | null,
  places: readonly TopicPartition[],
): Promise<Map<string, bigint>> {
  if (start === null) return new Map()
  const { limits } = session
  const found = (entries: readonly (TopicPartition & { offset: bigint })[]) =>
    new Map(entries.map((entry) => [nameOf(entry), entry.offset]))
  if (start === 'earliest') return found(await consumer.beginningOffsets(places, limits))
  if (start === 'latest') return found(await consumer.endOffsets(places, limits))
  if ('offset' in start) {
    const { offset } = start
    const first = await consumer.beginningOffsets(places, limits)
    return found(first.map((entry) => ({ ...entry, offset: within(entry, offset) })))
  }
  if ('fromEnd' in start) {
    const { fromEnd } = start
    const [first, ends] = await Promise.all([
      consumer.beginningOffsets(places, limits),
      consumer.endOffsets(places, limits),
    ])
    const least = found(first)
    return found(
      ends.map((entry) => {
        const from = entry.offset + fromEnd
        const start = least.get(nameOf(entry)) ?? 0n
        return { ...entry, offset: from < start ? start : from }
      }),
    )
  }
  const { timestamp } = start
  const [byTime, ends] = await Promise.all([
    consumer.offsetsForTimes(
      places.map((place) => ({ ...place, timestamp })),
      limits,
    ),
    consumer.endOffsets(places, limits),
  ])
  return new Map([...found(ends), ...found(byTime)])
}

/** Records that are deleted are passed over, and not the whole log: a reset would begin at its end. */
function within(place: TopicPartition & { offset: bigint }, offset: bigint): bigint {
  if (offset >= place.offset) return offset
  process.stderr.write(
    `Warning: ${nameOf(place)} has no offset ${offset} any more: it begins at ${place.offset}.\n`,
  )
  return place.offset
}

async function endsOf(
  session: Session,
  consumer: Consumer,
  places: readonly TopicPartition[],
): Promise<Ends> {
  const ends = await consumer.endOffsets(places, session.limits)
  return new Map(
    ends.map(({ topic, partition, offset }) => {
      const place = { topic, partition }
      return [nameOf(place), { place, end: offset }]
    }),
  )
}

/** Prints until something ends it, and gives how many records there were. */
async function print(
  session: Session,
  consumer: Consumer,
  options: ConsumeOptions,
  format: RecordFormat,
  ends: Ends,
  commits: boolean,
): Promise<number> {
  const most = options.maxMessages ?? Number.POSITIVE_INFINITY
  let count = 0
  if (most === 0) return count
  const end = new AbortController()
  const { signal, release } = joinSignals([session.signal, end.signal])
  const stopIdle = endWhenIdle(options, end)
  const progress = new Progress('read', null)
  const stopWatch = ends === null ? () => {} : endAtEnds(consumer, ends, end)
  try {
    for await (const { topic, partition, records } of consumer.batches({ signal })) {
      stopIdle.touch()
      const last = ends?.get(nameOf({ topic, partition }))?.end
      const parts: (Buffer | string)[] = []
      let lastPrinted: ConsumerRecord | null = null
      let isBeyond = false
      for (const record of records) {
        isBeyond = last !== undefined && record.offset >= last
        if (isBeyond) break
        format(record, parts)
        lastPrinted = record
        count++
        if (count === most) break
      }
      await session.out.bytes(joined(parts))
      // On a terminal the records themselves show how far it is.
      if (!session.out.isTerminal) progress.update(count)
      if (isBeyond && last !== undefined) {
        await stopAt(consumer, { topic, partition, offset: last }, commits)
        lastPrinted = null
      }
      if (count < most && !session.signal.aborted) continue
      // A loop that is left takes its last batch for not done: what was printed of it is.
      if (commits && lastPrinted !== null) await consumer.commit(lastPrinted)
      break
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    release()
    stopIdle.stop()
    stopWatch()
    progress.clear()
  }
  return count
}

/** Leaves the records from `offset` on to the next run: the batch that has them is not done as a whole. */
async function stopAt(
  consumer: Consumer,
  { topic, partition, offset }: TopicPartition & { offset: bigint },
  commits: boolean,
): Promise<void> {
  const place = { topic, partition }
  if (commits) await consumer.commit([{ ...place, offset }])
  consumer.pause([place])
  consumer.seek(place, offset)
}

function endWhenIdle(
  { timeoutMs }: ConsumeOptions,
  end: AbortController,
): { touch: () => void; stop: () => void } {
  if (timeoutMs === undefined) return { touch: () => {}, stop: () => {} }
  let timer: NodeJS.Timeout | undefined
  const touch = (): void => {
    clearTimeout(timer)
    timer = startTimer(() => end.abort(), timeoutMs)
  }
  touch()
  return { touch, stop: () => clearTimeout(timer) }
}

/** A log can end with control records, so only positions show that the end is reached. */
function endAtEnds(consumer: Consumer, ends: NonNullable<Ends>, end: AbortController): () => void {
  const check = async (): Promise<void> => {
    const own = new Set(consumer.assignment().map(nameOf))
    const open = [...ends.values()].filter(({ place }) => own.has(nameOf(place)))
    if (own.size === 0) return
    for (const { place, end: last } of open) {
      if ((await consumer.position(place)) < last) return
    }
    end.abort()
  }
  const timer = setInterval(() => void check().catch(() => {}), 20)
  return () => clearInterval(timer)
}

/** One piece of bytes, so that it is written at once. */
function joined(parts: readonly (Buffer | string)[]): Buffer {
  let length = 0
  for (const part of parts) {
    length += typeof part === 'string' ? Buffer.byteLength(part) : part.length
  }
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const part of parts) {
    at += typeof part === 'string' ? bytes.write(part, at) : part.copy(bytes, at)
  }
  return bytes
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
