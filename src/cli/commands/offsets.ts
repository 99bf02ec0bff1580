// `kafkawire offsets` and `kafkawire delete-records`: where logs begin and end, and moving their beginning.

import type { Command } from 'commander'
import type { OffsetSpec, RecordsToDelete } from '../../admin/partitions.ts'
import type { TopicListing } from '../../admin/topics.ts'
import type { TopicPartition } from '../../types.ts'
import { addTimeout, clusterCommand, collect, onRun } from '../command.ts'
import { instantMs } from '../durations.ts'
import { InputError, UsageError } from '../failures.ts'
import { readEntries } from '../json-files.ts'
import type { Session } from '../session.ts'
import { topicMatcher } from '../topic-selection.ts'

interface OffsetsOptions {
  topic?: string
  topicPartitions?: string
  partitions?: string
  time: string
  excludeInternalTopics?: boolean
}

const times: Record<string, OffsetSpec> = {
  '-1': 'latest',
  latest: 'latest',
  '-2': 'earliest',
  earliest: 'earliest',
  '-3': 'max_timestamp',
  'max-timestamp': 'max_timestamp',
  '-4': 'earliest_local',
  'earliest-local': 'earliest_local',
  '-5': 'latest_tiered',
  'latest-tiered': 'latest_tiered',
  '-6': 'earliest_pending_upload',
  'earliest-pending-upload': 'earliest_pending_upload',
}

export function addOffsets(program: Command): void {
  const command = clusterCommand(program, 'offsets', {
    summary: 'Show offsets of topics: first, last, or by time',
    script: 'kafka-get-offsets',
    examples: [
      { text: 'Show where each partition ends', command: 'kafkawire offsets --topic orders' },
      {
        text: 'Show where each begins',
        command: 'kafkawire offsets --topic orders --time earliest',
      },
      {
        text: 'Show the first record of a day',
        command: 'kafkawire offsets --topic orders --time 2026-01-31T00:00:00.000',
      },
    ],
  })
    .option('--topic <name>', 'a name or a regular expression (default: all topics)')
    .option('--partitions <list>', 'only these partitions: 0,1,2')
    .option('--topic-partitions <list>', 'such as orders:0,payments:2-5')
    .option(
      '--time <time>',
      'latest, earliest, max-timestamp, earliest-local, latest-tiered, a time, or ms since 1970',
      'latest',
    )
    .option('--exclude-internal-topics', "leave out Kafka's own topics")
  onRun<OffsetsOptions>(addTimeout(command), runOffsets)
}

async function runOffsets(session: Session, options: OffsetsOptions): Promise<void> {
  const { out, admin, limits } = session
  const time = options.time.toLowerCase()
  const offset: OffsetSpec = Object.hasOwn(times, time)
    ? times[time]
    : { timestamp: instantMs(options.time, '--time') }
  const choose = placesChooser(options)
  const listInternal = options.topicPartitions !== undefined || !options.excludeInternalTopics
  const places = choose(await admin.listTopics({ ...limits, listInternal }))
  const asked = places.map((place) => ({ ...place, offset }))
  for (const entry of await session.parts.of(admin.listOffsets(asked, limits))) {
    const shown = entry.offset < 0n ? '' : String(entry.offset)
    out.line(`${entry.topic}:${entry.partition}:${shown}`)
    out.object({ ...entry, offset: entry.offset < 0n ? null : entry.offset })
  }
}

type ChoosePlaces = (topics: readonly TopicListing[]) => TopicPartition[]

/** Which partitions of the topics that there are. @throws UsageError for flags that cannot be used */
function placesChooser(options: OffsetsOptions): ChoosePlaces {
  const { topic: pattern, partitions, topicPartitions } = options
  if (topicPartitions !== undefined) {
    if (pattern === undefined && partitions === undefined) return rangesChooser(topicPartitions)
    throw new UsageError('--topic-partitions stands for --topic and --partitions.')
  }
  const matches = topicMatcher(pattern)
  const chosen = partitions?.split(',').map((text) => {
    if (/^\d+$/.test(text.trim())) return Number(text)
    throw new UsageError(`--partitions ${partitions}: expected numbers such as 0,1,2.`)
  })
  return (topics) => {
    const found = topics.filter(({ topic }) => matches(topic))
    if (found.length === 0 && pattern !== undefined) {
      throw new InputError(`No topic matches '${pattern}'. List them with: kafkawire topics --list`)
    }
    return found.flatMap(({ topic, numPartitions }) =>
      Array.from({ length: numPartitions }, (_, partition) => ({ topic, partition })).filter(
        ({ partition }) => chosen === undefined || chosen.includes(partition),
      ),
    )
  }
}

/** `orders:0,payments:2-5,logs`. As with Kafka's script, the end of a range is not part of it. */
function rangesChooser(text: string): ChoosePlaces {
  const ranges = text.split(',').map((entry) => {
    const match = /^([^:]+)(?::(\d+)|:(\d*)-(\d*))?$/.exec(entry.trim())
    if (match === null) {
      throw new UsageError(
        `--topic-partitions ${text}: expected entries such as orders:0 or orders:2-5.`,
      )
    }
    const [, pattern, only, first, end] = match
    const from = Number(only ?? (first || 0))
    const to = only === undefined ? Number(end || Number.POSITIVE_INFINITY) : from + 1
    return { matches: topicMatcher(pattern), from, to, isNamed: only !== undefined }
  })
  return (topics) => {
    const places = new Map<string, TopicPartition>()
    for (const { matches, from, to, isNamed } of ranges) {
      for (const { topic, numPartitions } of topics) {
        if (!matches(topic)) continue
        // One that is named and does not exist is an error; a range is what there is of it.
        const end = isNamed ? to : Math.min(numPartitions, to)
        for (let partition = from; partition < end; partition++) {
          places.set(`${topic}-${partition}`, { topic, partition })
        }
      }
    }
    return [...places.values()]
  }
}

interface DeleteRecordsOptions {
  offsetJsonFile?: string
  topic?: string[]
}

export function addDeleteRecords(program: Command): void {
  const command = clusterCommand(program, 'delete-records', {
    summary: 'Delete the records of partitions before an offset',
    script: 'kafka-delete-records',
    examples: [
      {
        text: 'Delete what lies before offset 1000 of partition 0',
        command: 'kafkawire delete-records --topic orders:0:1000',
      },
      {
        text: 'Delete all records of a partition',
        command: 'kafkawire delete-records --topic orders:0:-1',
      },
      {
        text: "Delete what a file in the format of Kafka's script says",
        command: 'kafkawire delete-records --offset-json-file offsets.json',
      },
    ],
  })
    .option(
      '--offset-json-file <file>',
      '{"partitions":[{"topic":"orders","partition":0,"offset":1000}],"version":1}',
    )
    .option('--topic <topic:partition:offset>', 'offset -1 is the end; can be repeated', collect)
  onRun<DeleteRecordsOptions>(addTimeout(command), runDeleteRecords)
}

async function runDeleteRecords(session: Session, options: DeleteRecordsOptions): Promise<void> {
  const records: RecordsToDelete[] = []
  for (const text of options.topic ?? []) {
    const match = /^(.+):(\d+):(-1|\d+)$/.exec(text)
    if (match === null) throw new UsageError(`--topic ${text}: expected topic:partition:offset.`)
    records.push(recordsToDelete(match[1], Number(match[2]), match[3]))
  }
  if (options.offsetJsonFile !== undefined) {
    const entries = readEntries(options.offsetJsonFile, 'partitions', ['partition', 'offset'])
    for (const { topic, partition, offset } of entries) {
      records.push(recordsToDelete(topic, partition, String(offset)))
    }
  }
  if (records.length === 0) throw new UsageError('Give --topic or --offset-json-file.')
  const deleted = await session.admin.deleteRecords(records, session.limits)
  session.out.rows(deleted, [
    { title: 'TOPIC', of: ({ topic }) => topic },
    { title: 'PARTITION', of: ({ partition }) => partition },
    { title: 'LOW-WATERMARK', of: ({ lowWatermark }) => lowWatermark },
  ])
}

function recordsToDelete(topic: string, partition: number, offset: string): RecordsToDelete {
  return { topic, partition, beforeOffset: offset === '-1' ? 'latest' : BigInt(offset) }
}
