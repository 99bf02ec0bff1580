// `kafkawire leader-election`: elect leaders of partitions, as kafka-leader-election does.

import type { Command } from 'commander'
import type { TopicPartition } from '../../types.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  oneOf,
  oneOfActions,
  onRun,
  required,
  topicName,
} from '../command.ts'
import { readEntries } from '../json-files.ts'
import type { Session } from '../session.ts'

interface ElectionOptions {
  electionType?: 'preferred' | 'unclean'
  topic?: string
  partition?: number
  allTopicPartitions?: boolean
  pathToJsonFile?: string
}

export function addLeaderElection(program: Command): void {
  const command = clusterCommand(program, 'leader-election', {
    summary: 'Elect the preferred leaders of partitions, or unclean ones',
    script: 'kafka-leader-election',
    examples: [
      {
        text: 'Give every partition its preferred leader',
        command: 'kafkawire leader-election --election-type preferred --all-topic-partitions',
      },
      {
        text: 'Bring a partition back whose in-sync replicas are all lost; records can be lost',
        command: 'kafkawire leader-election --election-type unclean --topic orders --partition 3',
      },
    ],
  })
    .option('--election-type <type>', 'preferred or unclean', oneOf(['preferred', 'unclean']))
    .option('--topic <name>', 'a topic, with --partition', topicName)
    .option('--partition <n>', 'a partition of --topic', atLeast(0))
    .option('--all-topic-partitions', 'all partitions of the cluster')
    .option('--path-to-json-file <file>', '{"partitions":[{"topic":"orders","partition":0}]}')
  onRun<ElectionOptions>(addTimeout(command), run)
}

async function run(session: Session, options: ElectionOptions): Promise<void> {
  const type = required(options.electionType, '--election-type', 'leader-election')
  if (options.partition !== undefined) required(options.topic, '--topic', '--partition')
  const what = oneOfActions(options, ['topic', 'allTopicPartitions', 'pathToJsonFile'])
  const partitions = what === 'allTopicPartitions' ? undefined : chosen(options)
  const results = await session.admin.electLeaders(type === 'unclean' ? 'UNCLEAN' : 'PREFERRED', {
    ...session.limits,
    ...(partitions === undefined ? {} : { partitions }),
  })
  const { out } = session
  if (results.length === 0) out.line('No partition needed an election.')
  for (const { topic, partition, isElected } of results) {
    out.line(
      isElected
        ? `Elected the leader of ${topic}-${partition}.`
        : `${topic}-${partition} already has that leader.`,
    )
    out.object({ topic, partition, isElected })
  }
}

function chosen(options: ElectionOptions): TopicPartition[] {
  const { topic, pathToJsonFile: path } = options
  if (topic !== undefined) {
    return [{ topic, partition: required(options.partition, '--partition', '--topic') }]
  }
  const entries = readEntries(path ?? '', 'partitions', ['partition'])
  return entries.map(({ topic, partition }) => ({ topic, partition }))
}
