// `kafkawire verifiable-producer` and `verifiable-consumer`: JSON events a test harness can follow, those
// of Kafka's own programs of these names.

import type { Command } from 'commander'
import { monotonicMs, wallMs } from '../../async/clock.ts'
import type { PartitionAssignor } from '../../consumer/options.ts'
import type { TopicPartition } from '../../types.ts'
import { atLeast, clusterCommand, collect, oneOf, onRun, required, topicName } from '../command.ts'
import { UsageError } from '../failures.ts'
import { Output, toJson } from '../output.ts'
import type { Session } from '../session.ts'
import { Throttle } from '../throttle.ts'

const stdout = new Output(false)

function tell(name: string, fields: object = {}): void {
  stdout.line(toJson({ timestamp: wallMs(), name, ...fields }))
}

interface VerifiableProducerOptions {
  topic?: string
  maxMessages: number
  throughput: number
  acks: '0' | '1' | '-1' | 'all'
  messageCreateTime: number
  valuePrefix?: number
  repeatingKeys?: number
}

export function addVerifiableProducer(program: Command): void {
  const command = clusterCommand(program, 'verifiable-producer', {
    summary: 'Produce numbers, and print an event for each acknowledgement',
    script: 'kafka-verifiable-producer',
    examples: [
      {
        text: 'Ten records',
        command: 'kafkawire verifiable-producer --topic test --max-messages 10',
      },
    ],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--max-messages <n>', 'how many; -1 is until it is interrupted', atLeast(-1), -1)
    .option('--throughput <n>', 'records per second; -1 means no limit', atLeast(-1), -1)
    .option('--acks <n>', '0, 1, -1 or all', oneOf(['0', '1', '-1', 'all']), '-1')
    .option(
      '--message-create-time <ms>',
      'timestamp of the first record; they rise by 1',
      atLeast(-1),
      -1,
    )
    .option('--value-prefix <n>', 'values are this, a dot, and a number', atLeast(0))
    .option('--repeating-keys <n>', 'keys are 0 to n-1, again and again', atLeast(1))
    .option('--producer-property <key=value>', "a property of Java's producer", collect)
  command
    .option('--producer.config <file>', "properties of Java's producer")
    .hook('preAction', () => {
      const dotted: unknown = command.getOptionValue('producer.config')
      if (typeof dotted === 'string') command.setOptionValue('producerConfig', dotted)
    })
  onRun<VerifiableProducerOptions>(command, verifiableProducer)
}

async function verifiableProducer(
  session: Session,
  options: VerifiableProducerOptions,
): Promise<void> {
  const topic = required(options.topic, '--topic', 'verifiable-producer')
  const acks = options.acks === 'all' ? -1 : (Number(options.acks) as -1 | 0 | 1)
  let acked = 0
  let sent = 0
  const startedAt = monotonicMs()
  const producer = (await session.openKafka()).producer({
    ...session.producerOptions,
    acks,
    ...(acks === -1 ? {} : { enableIdempotence: false }),
    onDelivery: (error, metadata, context) => {
      const { key, value } = context as { key: string | null; value: string }
      if (error === null) {
        acked++
        const { partition, offset } = metadata
        tell('producer_send_success', { key, value, topic, partition, offset })
      } else {
        tell('producer_send_error', {
          key,
          value,
          topic,
          exception: error.name,
          message: error.message,
        })
      }
    },
  })
  tell('startup_complete')
  const throttle = new Throttle(options.throughput)
  const { maxMessages, valuePrefix, repeatingKeys, messageCreateTime } = options
  try {
    for (let i = 0; maxMessages < 0 || i < maxMessages; i++) {
      if (session.signal.aborted) break
      const value = valuePrefix === undefined ? String(i) : `${valuePrefix}.${i}`
      const key = repeatingKeys === undefined ? null : String(i % repeatingKeys)
      const timestamp = messageCreateTime < 0 ? {} : { timestamp: messageCreateTime + i }
      sent++
      if (!producer.enqueue({ topic, key, value, ...timestamp }, { key, value })) {
        await producer.drained()
      }
      if (throttle.isAhead(i + 1)) await throttle.wait(session.signal)
      if (i % 256 === 255) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  } catch (error) {
    if (!session.signal.aborted) throw error
  }
  await producer.close()
  tell('shutdown_complete')
  const seconds = Math.max(0.001, (monotonicMs() - startedAt) / 1000)
  tell('tool_data', {
    sent,
    acked,
    target_throughput: options.throughput,
    avg_throughput: acked / seconds,
  })
}

interface VerifiableConsumerOptions {
  topic?: string
  groupId?: string
  groupInstanceId?: string
  groupProtocol?: 'classic' | 'consumer' | 'auto'
  groupRemoteAssignor?: string
  maxMessages: number
  sessionTimeout?: number
  verbose?: boolean
  enableAutocommit?: boolean
  resetPolicy: 'earliest' | 'latest' | 'none'
  assignmentStrategy?: string
}

const assignors: Record<string, PartitionAssignor> = {
  RangeAssignor: 'range',
  RoundRobinAssignor: 'roundrobin',
  StickyAssignor: 'cooperative-sticky',
  CooperativeStickyAssignor: 'cooperative-sticky',
}

/** @throws UsageError for a class that is none of Kafka's */
function assignorOf(text: string): PartitionAssignor {
  const name = text.split('.').at(-1) ?? ''
  if (Object.hasOwn(assignors, name)) return assignors[name]
  throw new UsageError(
    `--assignment-strategy ${text}: expected one of ${Object.keys(assignors).join(', ')}.`,
  )
}

export function addVerifiableConsumer(program: Command): void {
  const command = clusterCommand(program, 'verifiable-consumer', {
    summary: 'Consume in a group, and print an event for each step',
    script: 'kafka-verifiable-consumer',
    examples: [
      {
        text: 'Follow a group member',
        command: 'kafkawire verifiable-consumer --topic test --group-id g --verbose',
      },
    ],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--group-id <id>', 'the group')
    .option('--group-instance-id <id>', 'a static member')
    .option(
      '--group-protocol <protocol>',
      'classic, consumer or auto',
      oneOf(['classic', 'consumer', 'auto']),
    )
    .option('--group-remote-assignor <name>', 'with consumer: uniform or range')
    .option('--max-messages <n>', 'how many; -1 is until it is interrupted', atLeast(-1), -1)
    .option('--session-timeout <ms>', 'how long a silent member stays in the group', atLeast(1))
    .option('--verbose', 'an event for each record')
    .option('--enable-autocommit', 'commit by time instead of after each batch')
    .option(
      '--reset-policy <policy>',
      'earliest, latest, none',
      oneOf(['earliest', 'latest', 'none']),
      'earliest',
    )
    .option('--assignment-strategy <class>', 'such as RangeAssignor')
    .option('--consumer-property <key=value>', "a property of Java's consumer", collect)
  command
    .option('--consumer.config <file>', "properties of Java's consumer")
    .hook('preAction', () => {
      const dotted: unknown = command.getOptionValue('consumer.config')
      if (typeof dotted === 'string') command.setOptionValue('consumerConfig', dotted)
    })
  onRun<VerifiableConsumerOptions>(command, verifiableConsumer)
}

async function verifiableConsumer(
  session: Session,
  options: VerifiableConsumerOptions,
): Promise<void> {
  const topic = required(options.topic, '--topic', 'verifiable-consumer')
  const groupId = required(options.groupId, '--group-id', 'verifiable-consumer')
  const { groupInstanceId, groupProtocol, groupRemoteAssignor, sessionTimeout } = options
  const { enableAutocommit = false } = options
  const { assignmentStrategy } = options
  const assignor = assignmentStrategy === undefined ? undefined : assignorOf(assignmentStrategy)
  const told = (name: string) => (partitions: readonly TopicPartition[]) => {
    const places = partitions.map(({ topic, partition }) => ({ topic, partition }))
    tell(name, { partitions: places })
  }
  const consumer = (await session.openKafka()).consumer({
    ...session.consumerOptions,
    groupId,
    topics: [topic],
    autoOffsetReset: options.resetPolicy,
    enableAutoCommit: enableAutocommit,
    onAssigned: told('partitions_assigned'),
    onRevoked: told('partitions_revoked'),
    ...(groupInstanceId === undefined ? {} : { groupInstanceId }),
    ...(groupProtocol === undefined ? {} : { groupProtocol }),
    ...(groupRemoteAssignor === undefined ? {} : { groupRemoteAssignor }),
    ...(sessionTimeout === undefined ? {} : { sessionTimeoutMs: sessionTimeout }),
    ...(assignor === undefined ? {} : { partitionAssignors: [assignor] }),
  })
  tell('startup_complete')
  let count = 0
  try {
    for await (const batch of consumer.batches({ signal: session.signal })) {
      const { partition, records } = batch
      const left = options.maxMessages < 0 ? records.length : options.maxMessages - count
      const taken = records.slice(0, left)
      count += taken.length
      const minOffset = taken[0].offset
      const maxOffset = taken[taken.length - 1].offset
      tell('records_consumed', {
        count: taken.length,
        partitions: [{ topic, partition, count: taken.length, minOffset, maxOffset }],
      })
      if (options.verbose) {
        for (const { key, value, offset } of taken) {
          const shown = { key: key?.toString() ?? null, value: value?.toString() ?? null }
          tell('record_data', { ...shown, topic, partition, offset })
        }
      }
      if (!enableAutocommit) {
        const offset = maxOffset + 1n
        let failed: unknown = null
        await consumer.commit([{ topic, partition, offset }]).catch((error: unknown) => {
          failed = error
        })
        const success = failed === null
        const error = failed instanceof Error ? failed.message : undefined
        tell('offsets_committed', { offsets: [{ topic, partition, offset }], success, error })
      }
      if (options.maxMessages >= 0 && count >= options.maxMessages) break
    }
  } catch (error) {
    if (!session.signal.aborted) throw error
  }
  await consumer.close()
  tell('shutdown_complete')
}
