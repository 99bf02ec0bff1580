// The configuration of one topic: what it was given, else the broker's own values.

import type { CompressionType } from '../compression/codec.ts'
import type { BrokerProperties } from './broker-properties.ts'
import { splitList } from './configs/config-definition.ts'
import { topicConfigs } from './configs/topic-configs.ts'

export class TopicConfig {
  /** What the topic was given, by Kafka's names. */
  readonly given: Map<string, string>
  private readonly properties: BrokerProperties

  constructor(given: Iterable<[string, string]>, properties: BrokerProperties) {
    this.given = new Map(given)
    this.properties = properties
  }

  /** Takes these configurations in the place of the given ones. */
  replace(configs: ReadonlyMap<string, string>): void {
    this.given.clear()
    for (const [name, value] of configs) this.given.set(name, value)
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

  /** How far before the broker's clock a record's time may be (ms). */
  get timestampBeforeMaxMs(): number {
    return this.number('message.timestamp.before.max.ms')
  }

  /** How far after the broker's clock a record's time may be (ms). */
  get timestampAfterMaxMs(): number {
    return this.number('message.timestamp.after.max.ms')
  }

  get isCompacted(): boolean {
    return this.cleanupPolicy.includes('compact')
  }

  get isDeleted(): boolean {
    return this.cleanupPolicy.includes('delete')
  }

  /** The compression that the broker stores in; null keeps the producer's. */
  get compressionType(): CompressionType | null {
    const type = this.given.get('compression.type') ?? this.properties.compressionType
    if (type === 'producer') return null
    return type === 'uncompressed' ? 'none' : (type as CompressionType)
  }

  /** Age from which records are deleted (ms); negative keeps them. */
  get retentionMs(): number {
    return this.number('retention.ms', this.properties.logRetentionMs)
  }

  /** Size from which the oldest records of a partition are deleted; negative sets no limit. */
  get retentionBytes(): number {
    return this.number('retention.bytes', this.properties.logRetentionBytes)
  }

  /** How long compaction keeps a record without value (ms). */
  get deleteRetentionMs(): number {
    return this.number('delete.retention.ms')
  }

  /** Age below which compaction leaves records alone (ms). */
  get minCompactionLagMs(): number {
    return this.number('min.compaction.lag.ms')
  }

  private get cleanupPolicy(): string[] {
    return splitList(this.given.get('cleanup.policy') ?? this.properties.logCleanupPolicy)
  }

  private number(name: string, otherwise: number = Number(topicConfigs[name].default)): number {
    const value = this.given.get(name)
    return value === undefined ? otherwise : Number(value)
  }
}
