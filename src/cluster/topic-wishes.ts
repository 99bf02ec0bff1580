// Which topics the parts of a client rely on. One that no part relies on any more is not asked for: a topic
// that was deleted would be asked for again and again, as long as the client lives.

import type { EnsureTopicOptions } from '../async/waiters.ts'
import type { Cluster } from './cluster.ts'
import type { TopicMetadata } from './metadata-snapshot.ts'

type Purpose = 'subscription' | 'assignment' | 'leader'

const none: ReadonlySet<string> = new Set()

export class TopicWishes {
  private readonly cluster: Pick<Cluster, 'addTopics' | 'removeTopics' | 'ensureTopic'>
  private readonly byPurpose = new Map<Purpose, ReadonlySet<string>>()

  constructor(cluster: Pick<Cluster, 'addTopics' | 'removeTopics' | 'ensureTopic'>) {
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
    const wishes = [...this.byPurpose.values()]
    const left = [...names].filter((name) => !wishes.some((wished) => wished.has(name)))
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
