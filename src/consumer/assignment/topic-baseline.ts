// Which partitions are newer than this consumer's subscription. For the others, autoOffsetReset says where
// to begin without a committed offset; a partition that came later holds nothing but records that were
// written since, and `latest` would skip those that came before it was noticed (KIP-1327). No I/O.

import { errorCodes } from '../../protocol/error-codes.ts'

/** What of the cluster is needed. */
export interface BaselineSource {
  topic(name: string): { readonly partitions: readonly unknown[] } | undefined
  /** The error code that the brokers returned last for this topic; 0: none, or they were not asked. */
  topicError(name: string): number
}

export class TopicBaseline {
  /** How many partitions each topic had when the brokers first reported it; 0: it did not exist. */
  private readonly counts = new Map<string, number>()
  private hasAllTopics = false

  /**
   * Takes note of the topics that brokers have reported since.
   * @param topics what is subscribed to, patterns resolved
   */
  note(topics: Iterable<string>, source: BaselineSource): void {
    for (const topic of topics) {
      if (this.counts.has(topic)) continue
      const known = source.topic(topic)
      const isMissing = source.topicError(topic) === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      if (isMissing || (known !== undefined && this.hasAllTopics)) this.counts.set(topic, 0)
      else if (known !== undefined) this.counts.set(topic, known.partitions.length)
    }
  }

  /** The brokers have reported all existing topics. One that a pattern matches later is new. */
  noteAllTopics(): void {
    this.hasAllTopics = true
  }

  /** The topic was deleted and created again: all of it is new. */
  noteRecreated(topic: string): void {
    this.counts.set(topic, 0)
  }

  /** The subscription changed: topics that are not in the baseline may have existed all the time. */
  restart(): void {
    this.hasAllTopics = false
  }

  /** Whether this partition came into being after the consumer had subscribed. */
  isNew(topic: string, partition: number): boolean {
    const count = this.counts.get(topic)
    return count !== undefined && partition >= count
  }
}
