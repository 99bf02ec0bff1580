// The configuration of one topic: what it was given, else the broker's own values.

import type { BrokerProperties } from './broker-properties.ts'

/** Kafka's names of the topic configurations that brokers know; others are refused. */
export const topicConfigNames: readonly string[] = [
  'cleanup.policy',
  'compression.type',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'index.interval.bytes',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'preallocate',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
]

export class TopicConfig {
  /** What the topic was given, by Kafka's names. */
  readonly given: Map<string, string>
  private readonly properties: BrokerProperties

  constructor(given: Iterable<[string, string]>, properties: BrokerProperties) {
    this.given = new Map(given)
    this.properties = properties
  }

  get maxMessageBytes(): number {
    return this.number('max.message.bytes', this.properties.messageMaxBytes)
  }

  get minInsyncReplicas(): number {
    return this.number('min.insync.replicas', this.properties.minInsyncReplicas)
  }

  get usesLogAppendTime(): boolean {
    const type = this.given.get('message.timestamp.type') ?? this.properties.logMessageTimestampType
    return type === 'LogAppendTime'
  }

  /** How far before (after) the broker's clock a record's time may be, in ms. */
  get timestampBeforeMaxMs(): number {
    return this.number('message.timestamp.before.max.ms', Infinity)
  }

  get timestampAfterMaxMs(): number {
    return this.number('message.timestamp.after.max.ms', 3_600_000)
  }

  private number(name: string, otherwise: number): number {
    const value = this.given.get(name)
    return value === undefined ? otherwise : Number(value)
  }
}
