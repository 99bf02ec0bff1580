// `kafkawire transactions`: list and describe transactions, find and abort those that hang.

import type { Command } from 'commander'
import type { TransactionState } from '../../admin/transactions.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  clusterParent,
  collectList,
  int64,
  onRun,
  required,
  topicName,
} from '../command.ts'
import { InputError } from '../failures.ts'
import type { Session } from '../session.ts'

export function addTransactions(program: Command): void {
  const transactions = clusterParent(program, 'transactions', {
    summary: 'List and describe transactions, find and abort hanging ones, fence producers',
    script: 'kafka-transactions',
    examples: [
      { text: 'List transactions', command: 'kafkawire transactions list' },
      {
        text: 'Find transactions that no coordinator knows any more',
        command: 'kafkawire transactions find-hanging --broker-id 1',
      },
      {
        text: 'Abort the one that begins at an offset',
        command: 'kafkawire transactions abort --topic orders --partition 0 --start-offset 1234',
      },
    ],
  })
  addList(transactions)
  addDescribe(transactions)
  addDescribeProducers(transactions)
  addFindHanging(transactions)
  addAbort(transactions)
  addForceTerminate(transactions)
}

interface ListOptions {
  state?: TransactionState[]
  durationFilter?: number
  transactionalIdPattern?: string
}

function addList(parent: Command): void {
  const command = clusterCommand(parent, 'list', {
    summary: 'List the transactions that coordinators know',
    examples: [],
  })
    .option('--state <states>', 'only these states, such as Ongoing', collectList)
    .option('--duration-filter <ms>', 'only those open for longer', atLeast(0))
    .option('--transactional-id-pattern <regex>', 'only matching ids (RE2/J)')
  onRun<ListOptions>(addTimeout(command), async (session, options) => {
    const { state, durationFilter, transactionalIdPattern } = options
    const listed = await session.parts.of(
      session.admin.listTransactions({
        ...session.limits,
        ...(state === undefined ? {} : { states: state }),
        ...(durationFilter === undefined ? {} : { durationMs: durationFilter }),
        ...(transactionalIdPattern === undefined ? {} : { transactionalIdPattern }),
      }),
    )
    session.out.rows(listed, [
      { title: 'TRANSACTIONAL-ID', of: ({ transactionalId }) => transactionalId },
      { title: 'PRODUCER-ID', of: ({ producerId }) => producerId },
      { title: 'STATE', of: ({ state }) => state },
    ])
  })
}

function addDescribe(parent: Command): void {
  const command = clusterCommand(parent, 'describe', {
    summary: 'Describe the transaction of a transactional id',
    examples: [],
  }).option('--transactional-id <ids>', 'one or more, separated by commas', collectList)
  onRun<{ transactionalId?: string[] }>(addTimeout(command), async (session, options) => {
    const ids = required(options.transactionalId, '--transactional-id', 'describe')
    const found = await session.parts.of(session.admin.describeTransactions(ids, session.limits))
    session.out.rows(found, [
      { title: 'TRANSACTIONAL-ID', of: ({ transactionalId }) => transactionalId },
      { title: 'COORDINATOR', of: ({ coordinator }) => coordinator },
      { title: 'PRODUCER-ID', of: ({ producerId }) => producerId },
      { title: 'EPOCH', of: ({ producerEpoch }) => producerEpoch },
      { title: 'STATE', of: ({ state }) => state },
      { title: 'TIMEOUT-MS', of: ({ transactionTimeoutMs }) => transactionTimeoutMs },
      { title: 'START-TIME', of: ({ transactionStartTimeMs: ms }) => timeOf(ms) },
      {
        title: 'PARTITIONS',
        of: ({ partitions }) => partitions.map((p) => `${p.topic}-${p.partition}`).join(','),
      },
    ])
  })
}

interface PartitionOptions {
  topic?: string
  partition?: number
  brokerId?: number
}

function addDescribeProducers(parent: Command): void {
  const command = clusterCommand(parent, 'describe-producers', {
    summary: 'Describe the producers that wrote to a partition lately',
    examples: [],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--partition <n>', 'the partition', atLeast(0))
    .option('--broker-id <id>', 'ask this replica (default: the leader)', atLeast(0))
  onRun<PartitionOptions>(addTimeout(command), async (session, options) => {
    const [{ producers }] = await session.admin.describeProducers([placeOf(options)], {
      ...session.limits,
      ...(options.brokerId === undefined ? {} : { brokerId: options.brokerId }),
    })
    session.out.rows(producers, [
      { title: 'PRODUCER-ID', of: ({ producerId }) => producerId },
      { title: 'EPOCH', of: ({ producerEpoch }) => producerEpoch },
      { title: 'LATEST-COORDINATOR-EPOCH', of: ({ coordinatorEpoch }) => coordinatorEpoch },
      { title: 'LAST-SEQUENCE', of: ({ lastSequence }) => lastSequence },
      { title: 'LAST-TIMESTAMP', of: ({ lastTimestamp }) => timeOf(lastTimestamp) },
      { title: 'TRANSACTION-START-OFFSET', of: ({ currentTxnStartOffset: at }) => at },
    ])
  })
}

interface FindOptions extends PartitionOptions {
  maxTransactionTimeout?: number
}

function addFindHanging(parent: Command): void {
  const command = clusterCommand(parent, 'find-hanging', {
    summary: 'Find open transactions that no coordinator knows',
    examples: [],
  })
    .option('--broker-id <id>', 'only partitions with a replica on this broker', atLeast(0))
    .option('--topic <name>', 'only this topic', topicName)
    .option('--partition <n>', 'only this partition of --topic', atLeast(0))
    .option(
      '--max-transaction-timeout <minutes>',
      "the brokers' transaction.max.timeout.ms, in minutes",
      atLeast(0),
    )
  onRun<FindOptions>(addTimeout(command), async (session, options) => {
    const { topic, partition, brokerId, maxTransactionTimeout: minutes } = options
    if (partition !== undefined) required(topic, '--topic', '--partition')
    const places =
      topic === undefined ? {} : { partitions: await placesOf(session, topic, partition) }
    const found = await session.parts.of(
      session.admin.findHangingTransactions({
        ...session.limits,
        ...places,
        ...(brokerId === undefined ? {} : { brokerId }),
        ...(minutes === undefined ? {} : { maxTransactionTimeoutMs: minutes * 60_000 }),
      }),
    )
    session.out.rows(found, [
      { title: 'TOPIC', of: ({ topic }) => topic },
      { title: 'PARTITION', of: ({ partition }) => partition },
      { title: 'PRODUCER-ID', of: ({ producerId }) => producerId },
      { title: 'EPOCH', of: ({ producerEpoch }) => producerEpoch },
      { title: 'COORDINATOR-EPOCH', of: ({ coordinatorEpoch }) => coordinatorEpoch },
      { title: 'START-OFFSET', of: ({ startOffset }) => startOffset },
      { title: 'LAST-TIMESTAMP', of: ({ lastTimestamp }) => timeOf(lastTimestamp) },
    ])
  })
}

interface AbortOptions extends PartitionOptions {
  startOffset?: bigint
  producerId?: bigint
  producerEpoch?: number
  coordinatorEpoch?: number
}

function addAbort(parent: Command): void {
  const command = clusterCommand(parent, 'abort', {
    summary: 'Abort a hanging transaction in one partition',
    examples: [],
  })
    .option('--topic <name>', 'the topic', topicName)
    .option('--partition <n>', 'the partition', atLeast(0))
    .option('--start-offset <offset>', 'where the transaction begins', int64)
    .option('--producer-id <id>', 'in place of --start-offset: the producer', int64)
    .option('--producer-epoch <n>', 'with --producer-id', atLeast(0))
    .option('--coordinator-epoch <n>', 'with --producer-id', atLeast(-1))
  onRun<AbortOptions>(addTimeout(command), async (session, options) => {
    const place = placeOf(options)
    const {
      producerId,
      producerEpoch,
      coordinatorEpoch: known,
    } = await producerOf(session, options)
    // -1: no coordinator has ended a transaction of this producer yet.
    const coordinatorEpoch = Math.max(0, known)
    const transaction = { ...place, producerId, producerEpoch, coordinatorEpoch }
    await session.admin.abortTransaction(transaction, session.limits)
    session.out.line(`Aborted the transaction of producer ${producerId}.`)
    session.out.object({ ...transaction, aborted: true })
  })
}

function addForceTerminate(parent: Command): void {
  const command = clusterCommand(parent, 'force-terminate', {
    summary: 'Abort the open transaction of a transactional id, and fence its producer',
    examples: [],
  }).option('--transactional-id <id>', 'the transactional id')
  onRun<{ transactionalId?: string }>(addTimeout(command), async (session, options) => {
    const id = required(options.transactionalId, '--transactional-id', 'force-terminate')
    const [fenced] = await session.admin.fenceProducers([id], session.limits)
    session.out.line(`Fenced the producer of ${id}: its epoch is now ${fenced.producerEpoch}.`)
    session.out.object(fenced)
  })
}

async function producerOf(
  session: Session,
  options: AbortOptions,
): Promise<{ producerId: bigint; producerEpoch: number; coordinatorEpoch: number }> {
  const { startOffset, producerId, producerEpoch, coordinatorEpoch } = options
  if (startOffset === undefined) {
    return {
      producerId: required(producerId, '--start-offset or --producer-id', 'abort'),
      producerEpoch: required(producerEpoch, '--producer-epoch', '--producer-id'),
      coordinatorEpoch: required(coordinatorEpoch, '--coordinator-epoch', '--producer-id'),
    }
  }
  const place = placeOf(options)
  const [{ producers }] = await session.admin.describeProducers([place], session.limits)
  const found = producers.find(({ currentTxnStartOffset: at }) => at === startOffset)
  if (found !== undefined) return found
  throw new InputError(
    `No open transaction of ${place.topic}-${place.partition} begins at offset ${startOffset}. List them with: kafkawire transactions describe-producers`,
  )
}

async function placesOf(
  session: Session,
  topic: string,
  partition: number | undefined,
): Promise<{ topic: string; partition: number }[]> {
  if (partition !== undefined) return [{ topic, partition }]
  const [{ partitions }] = await session.admin.describeTopics([topic], session.limits)
  return partitions.map(({ partition }) => ({ topic, partition }))
}

function placeOf({ topic, partition }: PartitionOptions): { topic: string; partition: number } {
  return {
    topic: required(topic, '--topic', 'This'),
    partition: required(partition, '--partition', 'This'),
  }
}

function timeOf(ms: number | null): string | null {
  return ms === null || ms < 0 ? null : new Date(ms).toISOString()
}
