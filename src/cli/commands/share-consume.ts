// `kafkawire share-consume`: records of a share group to standard output, as kafka-console-share-consumer does.

import type { Command } from 'commander'
import { joinSignals } from '../../async/any-signal.ts'
import { startTimer } from '../../async/timers.ts'
import type { ShareConsumerOptions } from '../../share-consumer/options.ts'
import type { ShareConsumer } from '../../share-consumer/share-consumer.ts'
import { atLeast, clusterCommand, collect, onRun, topicName } from '../command.ts'
import { UsageError } from '../failures.ts'
import { chosenFormat, type FormatOptions, type RecordFormat } from '../record-format.ts'
import type { Session } from '../session.ts'

interface ShareConsumeOptions extends FormatOptions {
  topic: string
  group: string
  maxMessages?: number
  timeoutMs?: number
  reject?: boolean
  release?: boolean
}

export function addShareConsume(program: Command): void {
  const command = clusterCommand(program, 'share-consume', {
    summary: 'Print the records of a share group, and acknowledge them',
    script: 'kafka-console-share-consumer',
    description:
      'Takes records as a member of a share group, prints them, and accepts them, unless --reject or --release says otherwise. It ends on Ctrl-C, after --max-messages, or after --timeout-ms without a record. A new group starts at the end, unless its config share.auto.offset.reset is earliest.',
    examples: [
      { text: 'Take and accept records', command: 'kafkawire share-consume --topic jobs' },
      {
        text: 'One record of a group, as JSON with its delivery count',
        command: 'kafkawire share-consume --topic jobs --group workers --max-messages 1 --json',
      },
      {
        text: 'Look at what is there, and give it back',
        command: 'kafkawire share-consume --topic jobs --group workers --release --timeout-ms 5000',
      },
    ],
  })
    .requiredOption('--topic <name>', 'the topic', topicName)
    .option('--group <id>', 'the share group', 'console-share-consumer')
    .option('--max-messages <n>', 'end after this many records', atLeast(0))
    .option('--timeout-ms <ms>', 'end when no record has come for this long', atLeast(0))
    .option('--reject', 'reject the records: the group never delivers them again')
    .option('--release', 'release the records: the group delivers them again')
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
      '--reject-message-on-error',
      'accepted: records that cannot be shown are shown as bytes',
    )
    .option(
      '--consumer-property <key=value>',
      "a property of Java's consumer; can be repeated",
      collect,
    )
    .option('--consumer-config <file>', "properties of Java's consumer")
  onRun<ShareConsumeOptions>(command, run)
}

async function run(session: Session, options: ShareConsumeOptions): Promise<void> {
  if (options.reject && options.release) {
    throw new UsageError('Give --reject or --release, and not both.')
  }
  const format = chosenFormat(session.out.json, options)
  // A member of a group would wait for a topic that does not exist without a word.
  await session.admin.describeTopics([options.topic], session.limits)
  const consumer = (await session.openKafka()).shareConsumer(consumerOptions(session, options))
  const count = await print(session, consumer, options, format)
  await consumer.close()
  if (!session.out.json && !session.isPipeClosed) {
    process.stderr.write(`Processed a total of ${count} messages\n`)
  }
}

/** Of Java's properties those that a share consumer has. */
function consumerOptions(
  session: Session,
  { topic, group, maxMessages }: ShareConsumeOptions,
): ShareConsumerOptions {
  const given = session.consumerOptions
  const options: ShareConsumerOptions = { groupId: group, topics: [topic] }
  if (given.maxPollRecords !== undefined) options.maxPollRecords = given.maxPollRecords
  if (given.maxPollIntervalMs !== undefined) options.maxPollIntervalMs = given.maxPollIntervalMs
  if (given.fetchMinBytes !== undefined) options.fetchMinBytes = given.fetchMinBytes
  if (given.fetchMaxWaitMs !== undefined) options.fetchMaxWaitMs = given.fetchMaxWaitMs
  if (given.fetchMaxBytes !== undefined) options.fetchMaxBytes = given.fetchMaxBytes
  if (given.checkCrcs !== undefined) options.checkCrcs = given.checkCrcs
  if (given.clientRack !== undefined) options.clientRack = given.clientRack
  // What is acquired beyond the last record has a delivery counted that never took place.
  if (maxMessages !== undefined && maxMessages > 0) {
    options.maxPollRecords = Math.min(maxMessages, options.maxPollRecords ?? 500)
  }
  return options
}

/** Prints until something ends it, and gives how many records there were. */
async function print(
  session: Session,
  consumer: ShareConsumer,
  options: ShareConsumeOptions,
  format: RecordFormat,
): Promise<number> {
  const most = options.maxMessages ?? Number.POSITIVE_INFINITY
  let count = 0
  if (most === 0) return count
  const end = new AbortController()
  const { signal, release } = joinSignals([session.signal, end.signal])
  let timer: NodeJS.Timeout | undefined
  const touch = (): void => {
    clearTimeout(timer)
    if (options.timeoutMs !== undefined) timer = startTimer(() => end.abort(), options.timeoutMs)
  }
  touch()
  try {
    for await (const batch of consumer.batches({ signal })) {
      touch()
      const parts: (Buffer | string)[] = []
      const shown = batch.records.slice(0, most - count)
      for (const record of shown) format(record, parts)
      await session.out.bytes(Buffer.concat(parts.map((part) => Buffer.from(part))))
      // Acknowledged when they are printed, and not before.
      for (const record of shown) {
        if (options.reject) record.reject()
        else if (options.release) record.release()
        else record.accept()
      }
      count += shown.length
      if (count >= most || session.signal.aborted) break
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    clearTimeout(timer)
    release()
  }
  return count
}
