// Which topics the parts of a client rely on. One that no part relies on any more is not asked for: a topic
// that was deleted would be asked for again and again, as long as the client lives.

import type { EnsureTopicOptions } from '../async/waiters.ts'
import type { TopicMetadata } from './metadata-snapshot.ts'

type Purpose = 'subscription' | 'assignment' | 'leader'

/** What it asks of a Cluster. */
export interface TopicLists {
  addTopics(names: Iterable<string>): void
  removeTopics(names: Iterable<string>): void
  ensureTopic(name: string, options: EnsureTopicOptions): Promise<TopicMetadata>
}

const none: ReadonlySet<string> = new Set()

/** The topics of one client, by what they are for. */
export class TopicsInUse {
  private readonly cluster: TopicLists
  private readonly byPurpose = new Map<Purpose, ReadonlySet<string>>()

  constructor(cluster: TopicLists) {
    this.cluster = cluster
  }

  /** Replaces what is relied on for one purpose. */
  replace(purpose: Purpose, names: Iterable<string>): void {
    const before = this.byPurpose.get(purpose) ?? none
    const now = new Set(names)
    this.byPurpose.set(purpose, now)
    this.cluster.addTopics(now)
    this.release([...before].filter((name) => !now.has(name)))
  }

  /** Calls are done with these topics. */
  release(names: Iterable<string>): void {
    const lists = [...this.byPurpose.values()]
    const left = [...names].filter((name) => !lists.some((list) => list.has(name)))
    if (left.length > 0) this.cluster.removeTopics(left)
  }

  /** The metadata of a topic that one call is about. A topic that is not found is not asked for again. */
  async lookUp(name: string, options: EnsureTopicOptions): Promise<TopicMetadata> {
    try {
      return await this.cluster.ensureTopic(name, options)
    } catch (error) {
      this.release([name])
      throw error
    }
  }
}
