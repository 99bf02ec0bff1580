// Sees to it that topics are known to the cluster: waits for them, has them created if that is allowed,
// and says which ones are forbidden. One lookup per topic at a time.

import { sleep } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { BrokerError, KafkaError } from '../../errors.ts'
import { errorCodes } from '../../protocol/error-codes.ts'

export interface TopicLookupOptions {
  readonly defaultApiTimeoutMs: number
  readonly allowAutoCreateTopics: boolean
}

/** How long a first join waits for topics that are being created or looked up. */
const PATIENCE_MS = 2000

export class TopicLookup {
  private readonly cluster: Cluster
  private readonly options: TopicLookupOptions
  private readonly signal: AbortSignal
  private readonly onForbidden: (error: Error) => void
  private readonly prepared = new Set<string>()
  private readonly lookups = new Map<string, Promise<void>>()

  /** @param onForbidden gets what no waiting will change: no permission, an invalid name */
  constructor(
    cluster: Cluster,
    options: TopicLookupOptions,
    signal: AbortSignal,
    onForbidden: (error: Error) => void,
  ) {
    this.cluster = cluster
    this.options = options
    this.signal = signal
    this.onForbidden = onForbidden
  }

  /**
   * Waits until all are known, or for two seconds: what comes later brings a rebalance. Waits for each
   * topic once: a member that rejoins is not held up by a topic that was missing before.
   */
  async prepare(names: Iterable<string>, signal: AbortSignal): Promise<void> {
    const wanted = new Set(names)
    for (const name of this.prepared) if (!wanted.has(name)) this.prepared.delete(name)
    const lookups = [...wanted].map((name) => ({ name, known: this.ensure(name) }))
    const unmet = lookups.filter(({ name }) => !this.prepared.has(name))
    if (unmet.length === 0) return
    for (const { name } of unmet) this.prepared.add(name)
    const over = new AbortController()
    const known = Promise.all(unmet.map((lookup) => lookup.known))
    const patience = sleep(PATIENCE_MS, signal, over.signal)
    // Rejected only by those two signals.
    await Promise.race([known, patience.catch(() => {})])
    over.abort()
  }

  /** Settles when the topic is known, or is known not to come. Never rejects. */
  ensure(name: string): Promise<void> {
    let lookup = this.lookups.get(name)
    if (lookup === undefined) {
      lookup = this.look(name).finally(() => this.lookups.delete(name))
      this.lookups.set(name, lookup)
    }
    return lookup
  }

  private async look(name: string): Promise<void> {
    try {
      await this.cluster.ensureTopic(name, {
        timeoutMs: this.options.defaultApiTimeoutMs,
        signal: this.signal,
        allowAutoCreate: this.options.allowAutoCreateTopics,
      })
    } catch (error) {
      if (this.signal.aborted || this.cluster.isClosed) return
      if (isFinal(error)) this.onForbidden(error)
      // It may still come into being: metadata keeps asking for it.
      else this.cluster.options.logger.warn(`topic ${name} is not there`, { error })
    }
  }
}

function isFinal(error: unknown): error is Error {
  if (!(error instanceof KafkaError) || error.retriable) return false
  return !(
    error instanceof BrokerError && error.errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  )
}
