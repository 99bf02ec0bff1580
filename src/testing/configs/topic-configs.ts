// The topic configurations of a 4.4 broker: types, defaults, ranges, and the broker configuration that
// each falls back to.

import {
  type ConfigDefinition,
  type ConfigTable,
  findValueProblem,
  splitList,
} from './config-definition.ts'

const MAX_LONG = '9223372036854775807'

function long(fallback: string, min: number, synonym?: string): ConfigDefinition {
  const definition: ConfigDefinition = { type: 'LONG', default: fallback, min }
  return synonym === undefined ? definition : { ...definition, synonym }
}

function int(fallback: string, min: number, synonym: string, max?: number): ConfigDefinition {
  const definition: ConfigDefinition = { type: 'INT', default: fallback, min, synonym }
  return max === undefined ? definition : { ...definition, max }
}

function bool(synonym?: string): ConfigDefinition {
  const definition: ConfigDefinition = { type: 'BOOLEAN', default: 'false' }
  return synonym === undefined ? definition : { ...definition, synonym }
}

const throttledReplicas: ConfigDefinition = {
  type: 'LIST',
  default: '',
  check: (name, value) => {
    const isValid = value === '*' || splitList(value).every((each) => /^\d+:\d+$/.test(each))
    if (isValid) return null
    return `Invalid value [${splitList(value).join(', ')}] for configuration ${name}: ${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`
  },
}

const codecs = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer']

export const topicConfigs: ConfigTable = {
  'cleanup.policy': {
    type: 'LIST',
    default: 'delete',
    oneOf: ['compact', 'delete'],
    synonym: 'log.cleanup.policy',
  },
  'compression.gzip.level': {
    type: 'INT',
    default: '-1',
    synonym: 'compression.gzip.level',
    check: (name, value) => {
      const level = Number(value)
      if (level === -1 || (level >= 1 && level <= 9)) return null
      return `Invalid value ${value} for configuration ${name}: Value must be between 1 and 9 or equal to -1`
    },
  },
  'compression.lz4.level': int('9', 1, 'compression.lz4.level', 17),
  'compression.type': {
    type: 'STRING',
    default: 'producer',
    oneOf: codecs,
    synonym: 'compression.type',
  },
  'compression.zstd.level': int('3', -131_072, 'compression.zstd.level', 22),
  'delete.retention.ms': long('86400000', 0, 'log.cleaner.delete.retention.ms'),
  'errors.deadletterqueue.group.enable': bool(),
  'file.delete.delay.ms': long('60000', 0, 'log.segment.delete.delay.ms'),
  'flush.messages': long(MAX_LONG, 1, 'log.flush.interval.messages'),
  'flush.ms': long(MAX_LONG, 0),
  'follower.replication.throttled.replicas': throttledReplicas,
  'index.interval.bytes': int('4096', 0, 'log.index.interval.bytes'),
  'leader.replication.throttled.replicas': throttledReplicas,
  'local.retention.bytes': long('-2', -2, 'log.local.retention.bytes'),
  'local.retention.ms': long('-2', -2, 'log.local.retention.ms'),
  'max.compaction.lag.ms': long(MAX_LONG, 1, 'log.cleaner.max.compaction.lag.ms'),
  'max.decompressed.message.bytes': int(
    '2147483639',
    1,
    'max.decompressed.message.bytes',
    2_147_483_639,
  ),
  'max.message.bytes': int('1048588', 0, 'message.max.bytes'),
  'message.timestamp.after.max.ms': long('3600000', 0, 'log.message.timestamp.after.max.ms'),
  'message.timestamp.before.max.ms': long(MAX_LONG, 0, 'log.message.timestamp.before.max.ms'),
  'message.timestamp.type': {
    type: 'STRING',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    synonym: 'log.message.timestamp.type',
  },
  'min.cleanable.dirty.ratio': {
    type: 'DOUBLE',
    default: '0.5',
    min: 0,
    max: 1,
    synonym: 'log.cleaner.min.cleanable.ratio',
  },
  'min.compaction.lag.ms': long('0', 0, 'log.cleaner.min.compaction.lag.ms'),
  'min.insync.replicas': int('1', 1, 'min.insync.replicas'),
  preallocate: bool('log.preallocate'),
  'remote.copy.lag.bytes': long('-1', -1, 'log.remote.copy.lag.bytes'),
  'remote.copy.lag.ms': long('0', -1, 'log.remote.copy.lag.ms'),
  'remote.log.copy.disable': bool(),
  'remote.log.delete.on.disable': bool(),
  'remote.storage.enable': bool(),
  'retention.bytes': long('-1', Number.MIN_SAFE_INTEGER, 'log.retention.bytes'),
  'retention.ms': long('604800000', -1, 'log.retention.ms'),
  'segment.bytes': int('1073741824', 1_048_576, 'log.segment.bytes'),
  'segment.index.bytes': int('10485760', 4, 'log.index.size.max.bytes'),
  'segment.jitter.ms': long('0', 0),
  'segment.ms': long('604800000', 1),
  'unclean.leader.election.enable': bool('unclean.leader.election.enable'),
}

/** Taken and not shown: for Kafka's own tests. */
const hidden: ReadonlyMap<string, ConfigDefinition> = new Map([
  ['internal.segment.bytes', { type: 'INT', default: '' }],
])

/** What a broker says of these configurations of a topic; null when it accepts all of them. */
export function findTopicConfigProblem(configs: ReadonlyMap<string, string | null>): string | null {
  for (const [name, value] of configs) {
    const definition = Object.hasOwn(topicConfigs, name) ? topicConfigs[name] : hidden.get(name)
    if (definition === undefined) return `Unknown topic config name: ${name}`
    if (value === null) return `Null value not supported for topic configs: ${name}`
    const problem = findValueProblem(name, definition, value)
    if (problem !== null) return problem
  }
  const of = (name: string): string => configs.get(name) ?? topicConfigs[name].default
  const least = of('min.compaction.lag.ms')
  const most = of('max.compaction.lag.ms')
  if (BigInt(least) > BigInt(most)) {
    return `conflict topic config setting min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`
  }
  if (of('remote.storage.enable').trim().toLowerCase() === 'true') {
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'
  }
  return null
}
