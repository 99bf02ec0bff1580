// Kafka's own scripts by their names, as neutral witnesses of what an admin call or a command has done.

import type { ClusterAddress } from './cluster.ts'
import { runTool } from './command-tool.ts'

const inTools = (name: string) => `org.apache.kafka.tools.${name}`

const mainClasses: Record<string, string> = {
  'kafka-topics': inTools('TopicCommand'),
  'kafka-configs': inTools('ConfigCommand'),
  'kafka-consumer-groups': inTools('consumer.group.ConsumerGroupCommand'),
  'kafka-share-groups': inTools('consumer.group.ShareGroupCommand'),
  'kafka-acls': inTools('AclCommand'),
  'kafka-get-offsets': inTools('GetOffsetShell'),
  'kafka-delete-records': inTools('DeleteRecordsCommand'),
  'kafka-leader-election': inTools('LeaderElectionCommand'),
  'kafka-reassign-partitions': inTools('reassign.ReassignPartitionsCommand'),
  'kafka-log-dirs': inTools('LogDirsCommand'),
  'kafka-transactions': inTools('TransactionsCommand'),
  'kafka-metadata-quorum': inTools('MetadataQuorumCommand'),
  'kafka-features': inTools('FeatureCommand'),
  'kafka-cluster': inTools('ClusterTool'),
  'kafka-delegation-tokens': inTools('DelegationTokenCommand'),
  'kafka-groups': inTools('GroupsCommand'),
  'kafka-client-metrics': inTools('ClientMetricsCommand'),
  'kafka-console-producer': inTools('ConsoleProducer'),
  'kafka-console-consumer': inTools('consumer.ConsoleConsumer'),
  'kafka-console-share-consumer': inTools('consumer.ConsoleShareConsumer'),
  'kafka-producer-perf-test': inTools('ProducerPerformance'),
}

/** Where the classes were before Kafka 4. */
const oldClasses: Record<string, string> = {
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-acls': 'kafka.admin.AclCommand',
  'kafka-console-producer': 'kafka.tools.ConsoleProducer',
}

/** The main class of a script in the cluster's version. */
export function scriptClass(cluster: ClusterAddress, script: string): string {
  const isOld = Number(cluster.version.split('.')[0]) < 4
  const found = (isOld ? oldClasses[script] : undefined) ?? mainClasses[script]
  if (found === undefined) throw new Error(`no script ${script}`)
  return found
}

/**
 * Runs a script to its end and gives the lines that it printed. It connects to the brokers' own listener,
 * unless the arguments say to what.
 */
export function runScript(
  cluster: ClusterAddress,
  script: string,
  ...args: string[]
): Promise<string[]> {
  const isSaid = args.some((arg) => arg.startsWith('--bootstrap-'))
  const servers = isSaid ? [] : ['--bootstrap-server', cluster.internalServers]
  // This one takes its flags behind the name of the action, others before it.
  const all = script === 'kafka-cluster' ? [...args, ...servers] : [...servers, ...args]
  return runTool(cluster.version, scriptClass(cluster, script), all, { timeoutMs: 120_000 })
}
