// Which topics are subscribed to: names, and patterns that are held against the cluster's topics.

import type { MetadataSnapshot } from '../../cluster/metadata-snapshot.ts'
import type { TopicSelector } from '../options.ts'
import { toRe2 } from './re2-pattern.ts'

export class TopicSubscription {
  readonly names: ReadonlySet<string>
  private readonly patterns: readonly RegExp[]
  private readonly excludeInternalTopics: boolean
  private resolvedFrom: MetadataSnapshot | null = null
  private resolved: readonly string[] = []

  constructor(selectors: readonly TopicSelector[], excludeInternalTopics: boolean) {
    const names = new Set<string>()
    const patterns: RegExp[] = []
    for (const selector of selectors) {
      if (selector instanceof RegExp) {
        // A `g` or `y` would make every test begin where the last one ended.
        patterns.push(new RegExp(selector.source, selector.flags.replaceAll(/[gy]/g, '')))
      } else {
        names.add(typeof selector === 'string' ? selector : selector.name)
      }
    }
    this.names = names
    this.patterns = patterns
    this.excludeInternalTopics = excludeInternalTopics
  }

  get isEmpty(): boolean {
    return this.names.size === 0 && this.patterns.length === 0
  }

  get hasPatterns(): boolean {
    return this.patterns.length > 0
  }

  /**
   * The patterns as one expression for the broker; null: there are none.
   * @throws {InvalidArgumentError} for a pattern that the broker's expressions cannot say
   */
  get brokerRegex(): string | null {
    return this.hasPatterns ? toRe2(this.patterns) : null
  }

  /** All topics subscribed to that are named or exist now, sorted. */
  resolve(metadata: MetadataSnapshot): readonly string[] {
    if (this.resolvedFrom === metadata) return this.resolved
    const found = new Set(this.names)
    if (this.hasPatterns) {
      for (const { name, isInternal } of metadata.topics.values()) {
        if (isInternal && this.excludeInternalTopics) continue
        if (this.patterns.some((pattern) => pattern.test(name))) found.add(name)
      }
    }
    this.resolved = [...found].sort()
    this.resolvedFrom = metadata
    return this.resolved
  }
}
