// `kafkawire cluster`, `quorum` and `features`: the cluster itself.

import type { Command } from 'commander'
import type { FeatureUpdate } from '../../admin/cluster-info.ts'
import { wallMs } from '../../async/clock.ts'
import { greatest } from '../../collections/long-lists.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  clusterParent,
  collectList,
  onRun,
  required,
} from '../command.ts'
import { UsageError } from '../failures.ts'
import type { Session } from '../session.ts'

export function addCluster(program: Command): void {
  const cluster = clusterParent(program, 'cluster', {
    summary: "Show the cluster's id and brokers, unregister a broker",
    script: 'kafka-cluster',
    takesControllers: true,
    examples: [
      { text: 'Show the brokers', command: 'kafkawire cluster list-endpoints' },
      { text: 'Show the id of the cluster', command: 'kafkawire cluster cluster-id' },
      {
        text: 'Remove the registration of a broker that will not come back',
        command: 'kafkawire cluster unregister --id 4',
      },
    ],
  })
  const id = clusterCommand(cluster, 'cluster-id', {
    summary: 'Show the id of the cluster',
    examples: [],
  })
  onRun(addTimeout(id), async ({ admin, out, limits }) => {
    const { clusterId } = await admin.describeCluster(limits)
    out.line(`Cluster ID: ${clusterId}`)
    out.object({ clusterId })
  })
  const list = clusterCommand(cluster, 'list-endpoints', {
    summary: 'Show the brokers',
    examples: [],
  })
    .alias('describe')
    .option('--include-fenced-brokers', 'also brokers that are registered and do not run')
  onRun<{ includeFencedBrokers?: boolean }>(addTimeout(list), async (session, options) => {
    const { includeFencedBrokers = false } = options
    const { brokers, controllerId } = await session.admin.describeCluster({
      ...session.limits,
      includeFencedBrokers,
    })
    session.out.rows(brokers, [
      { title: 'ID', of: ({ nodeId }) => nodeId },
      { title: 'HOST', of: ({ host }) => host },
      { title: 'PORT', of: ({ port }) => port },
      { title: 'RACK', of: ({ rack }) => rack },
      { title: 'STATE', of: ({ isFenced }) => (isFenced ? 'fenced' : 'unfenced') },
      { title: 'CONTROLLER', of: ({ nodeId }) => (nodeId === controllerId ? 'yes' : null) },
    ])
  })
  const unregister = clusterCommand(cluster, 'unregister', {
    summary: 'Remove the registration of a broker that does not run',
    examples: [],
  }).option('--id <id>', 'the broker', atLeast(0))
  onRun<{ id?: number }>(addTimeout(unregister), async (session, options) => {
    const brokerId = required(options.id, '--id', 'unregister')
    await session.admin.unregisterBroker(brokerId, session.limits)
    session.out.line(`Broker ${brokerId} is no longer registered.`)
    session.out.object({ brokerId, unregistered: true })
  })
  const controller = clusterCommand(cluster, 'unregister-controller', {
    summary: 'Remove the registration of a controller that does not run',
    examples: [],
  }).option('--id <id>', 'the controller', atLeast(0))
  onRun<{ id?: number }>(addTimeout(controller), async (session, options) => {
    const controllerId = required(options.id, '--id', 'unregister-controller')
    await session.admin.unregisterController(controllerId, session.limits)
    session.out.line(`Controller ${controllerId} is no longer registered.`)
    session.out.object({ controllerId, unregistered: true })
  })
}

interface QuorumDescribeOptions {
  status?: boolean
  replication?: boolean
  humanReadable?: boolean
}

interface VoterOptions {
  controllerId?: number
  controllerDirectoryId?: string
  endpoint?: string[]
}

export function addQuorum(program: Command): void {
  const quorum = clusterParent(program, 'quorum', {
    summary: 'Describe the metadata quorum, add and remove voters',
    script: 'kafka-metadata-quorum',
    takesControllers: true,
    examples: [
      { text: 'Show leader and voters', command: 'kafkawire quorum describe --status' },
      { text: 'Show how far each replica is', command: 'kafkawire quorum describe --replication' },
    ],
  })
  const describe = clusterCommand(quorum, 'describe', {
    summary: 'Describe the quorum',
    examples: [],
  })
    .option('--status', 'leader, epoch, voters, lag (the default)')
    .option('--replication', 'a line for each replica')
    .option('--human-readable', 'with --replication: how long ago instead of timestamps')
  onRun<QuorumDescribeOptions>(addTimeout(describe), describeQuorum)
  const add = clusterCommand(quorum, 'add-controller', {
    summary: 'Make a controller a voter',
    examples: [],
  })
    .option('--controller-id <id>', 'its node id', atLeast(0))
    .option('--controller-directory-id <uuid>', 'the directory id of its metadata log')
    .option(
      '--endpoint <name://host:port>',
      'where other controllers reach it; can be repeated',
      collectList,
    )
  onRun<VoterOptions>(addTimeout(add), async (session, options) => {
    const voter = voterOf(options)
    const listeners = required(options.endpoint, '--endpoint', 'add-controller').map((text) => {
      const match = /^(\w+):\/\/(.+):(\d+)$/.exec(text)
      if (match === null) throw new UsageError(`--endpoint ${text}: expected NAME://host:port.`)
      return { name: match[1], host: match[2], port: Number(match[3]) }
    })
    await session.admin.addRaftVoter({ ...voter, listeners }, session.limits)
    session.out.line(`Controller ${voter.voterId} is a voter.`)
    session.out.object({ ...voter, added: true })
  })
  const remove = clusterCommand(quorum, 'remove-controller', {
    summary: 'Take a controller out of the voters',
    examples: [],
  })
    .option('--controller-id <id>', 'its node id', atLeast(0))
    .option('--controller-directory-id <uuid>', 'the directory id of its metadata log')
  onRun<VoterOptions>(addTimeout(remove), async (session, options) => {
    const voter = voterOf(options)
    await session.admin.removeRaftVoter(voter, session.limits)
    session.out.line(`Controller ${voter.voterId} is no longer a voter.`)
    session.out.object({ ...voter, removed: true })
  })
}

function voterOf(options: VoterOptions): { voterId: number; voterDirectoryId: string } {
  return {
    voterId: required(options.controllerId, '--controller-id', 'This'),
    voterDirectoryId: required(options.controllerDirectoryId, '--controller-directory-id', 'This'),
  }
}

async function describeQuorum(session: Session, options: QuorumDescribeOptions): Promise<void> {
  const { out, admin, limits } = session
  const quorum = await admin.describeMetadataQuorum(limits)
  const { leaderId, leaderEpoch, highWatermark, voters, observers } = quorum
  if (options.replication) {
    const replicas = [
      ...voters.map((replica) => ({
        ...replica,
        status: replica.replicaId === leaderId ? 'Leader' : 'Follower',
      })),
      ...observers.map((replica) => ({ ...replica, status: 'Observer' })),
    ]
    const end = voters.find(({ replicaId }) => replicaId === leaderId)?.logEndOffset ?? 0n
    const time = (ms: number | null): string | number | null =>
      options.humanReadable && ms !== null ? `${Math.max(0, wallMs() - ms)} ms ago` : ms
    out.rows(
      replicas.map((replica) => ({ ...replica, lag: end - replica.logEndOffset })),
      [
        { title: 'NodeId', of: ({ replicaId }) => replicaId },
        { title: 'DirectoryId', of: ({ replicaDirectoryId }) => replicaDirectoryId },
        { title: 'LogEndOffset', of: ({ logEndOffset }) => logEndOffset },
        { title: 'Lag', of: ({ lag }) => lag },
        { title: 'LastFetchTimestamp', of: ({ lastFetchTimestamp }) => time(lastFetchTimestamp) },
        {
          title: 'LastCaughtUpTimestamp',
          of: ({ lastCaughtUpTimestamp }) => time(lastCaughtUpTimestamp),
        },
        { title: 'Status', of: ({ status }) => status },
      ],
    )
    return
  }
  if (out.json) return void out.object(quorum)
  const ends = voters.map(({ logEndOffset }) => logEndOffset)
  const leaderEnd = voters.find(({ replicaId }) => replicaId === leaderId)?.logEndOffset ?? 0n
  const lags = ends.map((end) => Number(leaderEnd - end))
  const ids = (replicas: readonly { replicaId: number }[]): string =>
    `[${replicas.map(({ replicaId }) => replicaId).join(', ')}]`
  const { clusterId } = await admin.describeCluster(limits)
  const lines: [string, unknown][] = [
    ['ClusterId', clusterId],
    ['LeaderId', leaderId],
    ['LeaderEpoch', leaderEpoch],
    ['HighWatermark', highWatermark],
    ['MaxFollowerLag', Math.max(0, greatest(lags))],
    ['CurrentVoters', ids(voters)],
    ['CurrentObservers', ids(observers)],
  ]
  for (const [name, value] of lines) out.line(`${`${name}:`.padEnd(24)}${String(value)}`)
}

interface FeaturesOptions {
  feature?: string[]
  metadata?: string
  dryRun?: boolean
  unsafe?: boolean
}

export function addFeatures(program: Command): void {
  const features = clusterParent(program, 'features', {
    summary: 'Describe, upgrade, downgrade and disable features',
    script: 'kafka-features',
    takesControllers: true,
    examples: [
      { text: 'Show features and their levels', command: 'kafkawire features describe' },
      {
        text: 'Check an upgrade without making it',
        command: 'kafkawire features upgrade --feature share.version=1 --dry-run',
      },
    ],
  })
  const describe = clusterCommand(features, 'describe', {
    summary: 'Show features and their levels',
    examples: [],
  })
  onRun(addTimeout(describe), async ({ admin, out, limits }) => {
    const { supported, finalized, finalizedFeaturesEpoch } = await admin.describeFeatures(limits)
    const names = new Set([...supported, ...finalized].map(({ feature }) => feature))
    const rows = [...names].sort().map((feature) => {
      const level = finalized.find((entry) => entry.feature === feature)?.maxVersionLevel ?? 0
      const range = supported.find((entry) => entry.feature === feature)
      return {
        feature,
        supportedMinVersion: range?.minVersion ?? null,
        supportedMaxVersion: range?.maxVersion ?? null,
        finalizedVersionLevel: level,
        epoch: finalizedFeaturesEpoch,
      }
    })
    out.rows(rows, [
      { title: 'Feature', of: ({ feature }) => feature },
      { title: 'SupportedMinVersion', of: (row) => row.supportedMinVersion },
      { title: 'SupportedMaxVersion', of: (row) => row.supportedMaxVersion },
      { title: 'FinalizedVersionLevel', of: (row) => row.finalizedVersionLevel },
      { title: 'Epoch', of: (row) => row.epoch },
    ])
  })
  const actions = [
    ['upgrade', 'Raise the levels of features', 'UPGRADE'],
    ['downgrade', 'Lower the levels of features', 'SAFE_DOWNGRADE'],
    ['disable', 'Disable features', 'SAFE_DOWNGRADE'],
  ] as const
  for (const [name, summary, upgradeType] of actions) {
    const command = clusterCommand(features, name, { summary, examples: [] })
      .option(
        name === 'disable' ? '--feature <name>' : '--feature <name=level>',
        'a feature; can be repeated',
        collectList,
      )
      .option('--dry-run', 'check it and change nothing')
    if (name !== 'disable') command.option('--metadata <level>', 'the level of metadata.version')
    if (name !== 'upgrade') command.option('--unsafe', 'also where metadata may be lost by it')
    onRun<FeaturesOptions>(addTimeout(command), async (session, options) => {
      const type = options.unsafe ? 'UNSAFE_DOWNGRADE' : upgradeType
      await updateFeatures(session, options, name === 'disable', type)
    })
  }
}

async function updateFeatures(
  session: Session,
  options: FeaturesOptions,
  isDisable: boolean,
  upgradeType: 'UPGRADE' | 'SAFE_DOWNGRADE' | 'UNSAFE_DOWNGRADE',
): Promise<void> {
  const texts = [
    ...(options.feature ?? []),
    ...(options.metadata === undefined ? [] : [`metadata.version=${options.metadata}`]),
  ]
  if (texts.length === 0) throw new UsageError('Give --feature.')
  const updates: FeatureUpdate[] = texts.map((text) => {
    const match = /^([\w.]+)(?:=(\d+))?$/.exec(text)
    if (match === null || (match[2] === undefined) !== isDisable) {
      const expected = isDisable ? 'a name' : 'name=level, with a level as a number'
      throw new UsageError(`--feature ${text}: expected ${expected}.`)
    }
    return { feature: match[1], maxVersionLevel: Number(match[2] ?? 0), upgradeType }
  })
  const { dryRun: validateOnly = false } = options
  await session.admin.updateFeatures(updates, { ...session.limits, validateOnly })
  for (const { feature, maxVersionLevel } of updates) {
    session.out.line(
      `${feature} ${validateOnly ? 'could be' : 'was'} ${isDisable ? 'disabled' : `set to level ${maxVersionLevel}`}.`,
    )
    session.out.object({ feature, maxVersionLevel, validateOnly })
  }
}
