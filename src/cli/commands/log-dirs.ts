// `kafkawire log-dirs`: what lies in the log directories of brokers, as kafka-log-dirs does.

import type { Command } from 'commander'
import { addTimeout, clusterCommand, collectList, oneOfActions, onRun } from '../command.ts'
import { UsageError } from '../failures.ts'
import { bytes } from '../format.ts'
import type { Session } from '../session.ts'

interface LogDirsOptions {
  describe?: boolean
  move?: string
  brokerList?: string
  brokers?: string[]
  topicList?: string[]
  partitions?: boolean
}

export function addLogDirs(program: Command): void {
  const command = clusterCommand(program, 'log-dirs', {
    summary: 'Show the log directories of brokers, and move replicas between them',
    script: 'kafka-log-dirs',
    examples: [
      { text: 'Show how full the directories are', command: 'kafkawire log-dirs --describe' },
      {
        text: 'Show the size of each replica of a topic',
        command: 'kafkawire log-dirs --describe --topic-list orders --partitions',
      },
      {
        text: 'Move a replica on broker 1 to another directory',
        command: 'kafkawire log-dirs --move orders:0:1:/data/disk2',
      },
    ],
  })
    .option('--describe', 'show directories and what they hold')
    .option('--move <topic:partition:broker:directory>', 'move a replica to another directory')
    .option('--brokers <ids>', 'only these brokers, such as 1,2 (also --broker-list)', collectList)
    .option('--topic-list <names>', 'only replicas of these topics', collectList)
    .option('--partitions', 'a line for each replica')
  onRun<LogDirsOptions>(addTimeout(command), run)
}

async function run(session: Session, options: LogDirsOptions): Promise<void> {
  const action = oneOfActions(options, ['describe', 'move'])
  if (action === 'move') return move(session, options.move ?? '')
  // kafka-log-dirs means ids by --broker-list, other scripts mean addresses.
  const list = options.brokers ?? options.brokerList?.split(',')
  const ids = list?.map((id) => {
    if (/^\d+$/.test(id.trim())) return Number(id)
    throw new UsageError(`--brokers ${list.join(',')}: expected broker ids such as 1,2.`)
  })
  const { topicList: topics } = options
  const found = await session.parts.of(
    session.admin.describeLogDirs({
      ...session.limits,
      ...(ids === undefined ? {} : { brokerIds: ids }),
      ...(topics === undefined ? {} : { topics }),
    }),
  )
  const { out } = session
  if (out.json) {
    for (const broker of found) out.object(broker)
    return
  }
  const dirs = found.flatMap(({ brokerId, logDirs }) =>
    logDirs.map((dir) => ({ brokerId, ...dir })),
  )
  if (options.partitions || topics !== undefined) {
    out.rows(
      dirs.flatMap(({ replicas, ...dir }) => replicas.map((replica) => ({ ...dir, ...replica }))),
      [
        { title: 'BROKER', of: ({ brokerId }) => brokerId },
        { title: 'TOPIC', of: ({ topic }) => topic },
        { title: 'PARTITION', of: ({ partition }) => partition },
        { title: 'SIZE', of: ({ sizeBytes }) => bytes(Number(sizeBytes)) },
        { title: 'OFFSET-LAG', of: ({ offsetLag }) => offsetLag },
        { title: 'MOVING', of: ({ isFuture }) => (isFuture ? 'to here' : null) },
        { title: 'DIRECTORY', of: ({ path }) => path },
      ],
    )
    return
  }
  out.rows(dirs, [
    { title: 'BROKER', of: ({ brokerId }) => brokerId },
    { title: 'DIRECTORY', of: ({ path }) => path },
    { title: 'ERROR', of: ({ error }) => error },
    { title: 'REPLICAS', of: ({ replicas }) => replicas.length },
    {
      title: 'SIZE',
      of: ({ replicas }) =>
        bytes(Number(replicas.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n))),
    },
    {
      title: 'FREE',
      of: ({ usableBytes }) => (usableBytes === null ? null : bytes(Number(usableBytes))),
    },
    {
      title: 'TOTAL',
      of: ({ totalBytes }) => (totalBytes === null ? null : bytes(Number(totalBytes))),
    },
  ])
}

async function move(session: Session, text: string): Promise<void> {
  const match = /^(.+?):(\d+):(\d+):(\/.+)$/.exec(text)
  if (match === null) {
    throw new UsageError(`--move ${text}: expected topic:partition:broker:/directory.`)
  }
  const [, topic, partition, brokerId, logDir] = match
  const replica = { topic, partition: Number(partition), brokerId: Number(brokerId), logDir }
  await session.admin.alterReplicaLogDirs([replica], session.limits)
  session.out.line(`Began to move ${topic}-${partition} on broker ${brokerId} to ${logDir}.`)
  session.out.object(replica)
}
