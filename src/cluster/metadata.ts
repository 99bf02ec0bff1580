// What is known of the cluster, and which metadata responses are believed. No I/O, no clock.
// Must stay true: a snapshot is replaced as a whole and never changed; under one topic id a leader epoch
// does not go back, except by the one rule that keeps a cluster restored from the past from being lost.

import { isSameList } from '../collections/same-list.ts'
import { escapeText } from '../errors.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { MetadataResponse, MetadataResponseTopic } from '../protocol/messages/metadata.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { LeaderEpochRollback } from './leader-epoch-rollback.ts'
import { applyHints, type HintedSnapshot, isAnotherId, type LeaderHint } from './leader-hints.ts'
import type {
  BrokerMetadata,
  MetadataChange,
  MetadataSnapshot,
  PartitionMetadata,
  TopicMetadata,
} from './metadata-snapshot.ts'
import { StaleMetadata } from './stale-metadata.ts'

/** The outcome of a response: what it changed, and whether to ask again soon. */
export interface Acceptance extends MetadataChange {
  /** Why nothing of the response was taken; null if it was. */
  refused: string | null
  /** Something is new since the response before. */
  isNews: boolean
  /** Something asked for is missing, in error or not believed yet. */
  isIncomplete: boolean
  /** A partition asked for has no leader. */
  isLeaderless: boolean
  /** Error codes of topics that were asked for. */
  topicErrors: ReadonlyMap<string, number>
}

export interface Asked {
  /** The names that were asked for; null: all topics. */
  topics: ReadonlySet<string> | null
  /** Topics to keep although the response, to a question for all topics, does not have them. */
  keep: ReadonlySet<string>
  /** The broker that responded. */
  nodeId: number
  /** Milliseconds, of a clock that does not go back. */
  now: number
}

/** No cluster has as many; a corrupt response must not fill the memory. */
const MAX_BROKERS = 100_000

const none: readonly number[] = Object.freeze([])

const emptySnapshot: MetadataSnapshot = {
  clusterId: null,
  controllerId: -1,
  brokers: new Map(),
  topics: new Map(),
  generation: 0,
}

/** What one response is being turned into. */
interface Draft {
  topics: Map<string, TopicMetadata>
  asked: Asked
  recreated: string[]
  unknown: string[]
  topicErrors: Map<string, number>
  isNews: boolean
  isIncomplete: boolean
  isLeaderless: boolean
}

export class MetadataView {
  private current: MetadataSnapshot = emptySnapshot
  private readonly rewinds = new LeaderEpochRollback()
  private readonly stale = new StaleMetadata()
  /** The ids of topics that are asked for and have been away for too long to be believed in. */
  private readonly idsOfGone = new Map<string, string>()
  /** What the last response about a topic said, where that was an error. */
  private readonly topicErrors = new Map<string, number>()
  private mayChangeCluster = true

  get snapshot(): MetadataSnapshot {
    return this.current
  }

  /** The error code that the brokers returned last for this topic; 0: none, or they were not asked. */
  topicError(name: string): number {
    return this.topicErrors.get(name) ?? errorCodes.NONE
  }

  /** The next response may come from another cluster: the bootstrap addresses were resolved again. */
  allowOtherCluster(): void {
    this.mayChangeCluster = true
  }

  accept(response: MetadataResponse, asked: Asked): Acceptance {
    const before = this.current
    const refused = this.reasonToRefuse(response)
    const draft: Draft = {
      topics: new Map(before.topics),
      asked,
      recreated: [],
      unknown: [],
      topicErrors: new Map(),
      isNews: false,
      isIncomplete: refused !== null,
      isLeaderless: false,
    }
    if (refused !== null) return { ...draft, refused, snapshot: before }
    const brokers = new Map<number, BrokerMetadata>()
    for (const { nodeId, host, port, rack } of response.brokers) {
      brokers.set(nodeId, { nodeId, host, port, rack })
    }
    const responded = new Set<string>()
    for (const topic of response.topics) {
      if (topic.name === null) continue
      responded.add(topic.name)
      this.takeTopic(draft, topic, topic.name, brokers.size)
    }
    this.takeAbsent(draft, responded)
    if (!sameBrokers(before.brokers, brokers) || before.controllerId !== response.controllerId) {
      draft.isNews = true
    }
    this.mayChangeCluster = false
    this.current = {
      clusterId: response.clusterId ?? before.clusterId,
      controllerId: response.controllerId,
      brokers,
      topics: draft.topics,
      generation: before.generation + 1,
    }
    return { ...draft, refused, snapshot: this.current }
  }

  /** Takes leaders that a response names which was about something else (KIP-951), where they are news. */
  applyLeaderHints(
    hints: readonly LeaderHint[],
    endpoints: readonly BrokerMetadata[],
  ): HintedSnapshot {
    const hinted = applyHints(this.current, hints, endpoints)
    this.current = hinted.snapshot
    return hinted
  }

  /** Forgets topics that no caller asks for any more. */
  forget(names: readonly string[]): void {
    for (const name of names) {
      this.topicErrors.delete(name)
      this.idsOfGone.delete(name)
      this.rewinds.forget(name)
      this.stale.forget(name)
    }
    const known = names.filter((name) => this.current.topics.has(name))
    // Names that never came to anything are forgotten one by one, as their calls end.
    if (known.length === 0) return
    const topics = new Map(this.current.topics)
    for (const name of known) topics.delete(name)
    this.current = { ...this.current, topics, generation: this.current.generation + 1 }
  }

  private reasonToRefuse(response: MetadataResponse): string | null {
    if (response.brokers.length === 0) return 'it names no broker: that one is starting up'
    if (response.brokers.length > MAX_BROKERS) {
      return `it names ${response.brokers.length} brokers: more than ${MAX_BROKERS} are not taken`
    }
    const { clusterId } = this.current
    const isOther =
      clusterId !== null && response.clusterId !== null && clusterId !== response.clusterId
    if (!isOther || this.mayChangeCluster) return null
    return `it comes from cluster '${escapeText(response.clusterId ?? '')}', and this client was connected to '${clusterId}'`
  }

  private takeTopic(
    draft: Draft,
    response: MetadataResponseTopic,
    name: string,
    brokerCount: number,
  ): void {
    const known = draft.topics.get(name)
    // No partition and no error is what a broker says that does not know the topic yet.
    const errorCode =
      response.errorCode === 0 && response.partitions.length === 0
        ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
        : response.errorCode
    if (errorCode !== 0) {
      draft.topicErrors.set(name, errorCode)
      this.topicErrors.set(name, errorCode)
      if (isUnknown(errorCode)) draft.unknown.push(name)
      this.keepForNow(draft, name)
      return
    }
    this.stale.delete(name)
    this.topicErrors.delete(name)
    const formerId = known?.topicId ?? this.idsOfGone.get(name) ?? ZERO_UUID
    this.idsOfGone.delete(name)
    const isRecreated = isAnotherId(formerId, response.topicId)
    if (isRecreated) {
      draft.recreated.push(name)
      this.rewinds.forget(name)
      this.stale.forget(name)
    }
    const previous = isRecreated || known === undefined ? [] : known.partitions
    const partitions = this.takePartitions(draft, response, name, previous, brokerCount)
    if (known === undefined || isRecreated || known.partitions.length !== partitions.length) {
      draft.isNews = true
    }
    const topicId = response.topicId === ZERO_UUID && known ? known.topicId : response.topicId
    draft.topics.set(name, { name, topicId, isInternal: response.isInternal, partitions })
  }

  private takePartitions(
    draft: Draft,
    response: MetadataResponseTopic,
    topic: string,
    previous: readonly PartitionMetadata[],
    brokerCount: number,
  ): PartitionMetadata[] {
    const partitions: PartitionMetadata[] = []
    for (const offered of response.partitions) {
      const partition = offered.partitionIndex
      // Numbers come from 0 on without a hole; a broker that says otherwise is not to make us allocate.
      if (partition < 0 || partition >= Math.max(response.partitions.length, previous.length))
        continue
      partitions[partition] = {
        partition,
        leader: offered.leaderId,
        leaderEpoch: offered.leaderEpoch,
        replicas: offered.replicaNodes,
        // One list where they are alike, as there may be very many partitions.
        isr: isSameList(offered.isrNodes, offered.replicaNodes)
          ? offered.replicaNodes
          : offered.isrNodes,
        offlineReplicas: offered.offlineReplicas.length === 0 ? none : offered.offlineReplicas,
        // An offline replica (9) says nothing of the leader.
        errorCode: offered.errorCode === errorCodes.REPLICA_NOT_AVAILABLE ? 0 : offered.errorCode,
      }
    }
    const count = Math.max(partitions.length, previous.length)
    const believed: PartitionMetadata[] = []
    for (let i = 0; i < count; i++) {
      const next = this.believePartition(draft, topic, partitions[i], previous[i], i, brokerCount)
      // A partition that was known and is missing for long is gone, and so are those behind it.
      if (next === null) break
      if (next.leader < 0) draft.isLeaderless = true
      if (next.leader !== previous[i]?.leader || next.leaderEpoch !== previous[i].leaderEpoch) {
        draft.isNews = true
      }
      believed.push(previous[i] !== undefined && isSame(next, previous[i]) ? previous[i] : next)
    }
    return believed
  }

  private believePartition(
    draft: Draft,
    topic: string,
    offered: PartitionMetadata | undefined,
    known: PartitionMetadata | undefined,
    partition: number,
    brokerCount: number,
  ): PartitionMetadata | null {
    if (offered !== undefined && (known === undefined || isNewer(offered, known))) {
      this.rewinds.forgetPartition(topic, partition)
      if (offered.leader >= 0 && offered.errorCode === 0) this.stale.delete(topic, partition)
      else draft.isIncomplete = true
      return offered
    }
    if (known === undefined) return offered ?? missingPartition(partition)
    const isRewound = offered !== undefined && offered.leaderEpoch >= 0 && offered.errorCode === 0
    if (isRewound && offered.leaderEpoch < known.leaderEpoch) {
      draft.isIncomplete = true
      const { nodeId, now } = draft.asked
      const { leaderEpoch } = offered
      const isAgreed = this.rewinds.agree({
        topic,
        partition,
        leaderEpoch,
        nodeId,
        now,
        brokerCount,
      })
      return isAgreed ? offered : known
    }
    draft.isIncomplete = true
    if (this.stale.keeps(draft.asked.now, topic, partition)) return known
    this.stale.delete(topic, partition)
    // An epoch that is known stays known: -1 in its place would make every later epoch look newer.
    if (offered !== undefined) return { ...offered, leaderEpoch: known.leaderEpoch }
    return null
  }

  /** Topics that were asked for and that the response does not mention. */
  private takeAbsent(draft: Draft, responded: ReadonlySet<string>): void {
    const { topics, keep } = draft.asked
    for (const name of topics ?? keep) {
      if (!responded.has(name)) this.topicErrors.set(name, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    }
    for (const name of topics ?? draft.topics.keys()) {
      if (responded.has(name)) continue
      if (topics === null && !keep.has(name)) {
        draft.topics.delete(name)
        this.stale.forget(name)
        this.rewinds.forget(name)
        draft.unknown.push(name)
        draft.isNews = true
      } else {
        this.keepForNow(draft, name)
      }
    }
    if (topics !== null) return
    // Topics that are not asked for by name come and go.
    for (const names of [this.topicErrors, this.idsOfGone]) {
      for (const name of names.keys()) {
        if (!responded.has(name) && !keep.has(name)) names.delete(name)
      }
    }
  }

  /** A response without the topic, or with an error for it, does not make it forgotten at once. */
  private keepForNow(draft: Draft, name: string): void {
    draft.isIncomplete = true
    const known = draft.topics.get(name)
    if (known === undefined || this.stale.keeps(draft.asked.now, name)) return
    this.stale.forget(name)
    this.idsOfGone.set(name, known.topicId)
    draft.topics.delete(name)
    draft.isNews = true
  }
}

/**
 * Whether what a broker says of a partition replaces what is known: a later epoch does, whatever it
 * says; the same epoch only without an error, and none only where none is known.
 */
function isNewer(offered: PartitionMetadata, known: PartitionMetadata): boolean {
  if (offered.leaderEpoch > known.leaderEpoch) return true
  if (offered.leaderEpoch < known.leaderEpoch) return false
  return known.leader < 0 || (offered.errorCode === 0 && offered.leader >= 0)
}

function isSame(a: PartitionMetadata, b: PartitionMetadata): boolean {
  return (
    a.leader === b.leader &&
    a.leaderEpoch === b.leaderEpoch &&
    a.errorCode === b.errorCode &&
    isSameList(a.replicas, b.replicas) &&
    isSameList(a.isr, b.isr) &&
    isSameList(a.offlineReplicas, b.offlineReplicas)
  )
}

function missingPartition(partition: number): PartitionMetadata {
  return {
    partition,
    leader: -1,
    leaderEpoch: -1,
    replicas: [],
    isr: [],
    offlineReplicas: [],
    errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
  }
}

function isUnknown(errorCode: number): boolean {
  return (
    errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION || errorCode === errorCodes.UNKNOWN_TOPIC_ID
  )
}

function sameBrokers(
  a: ReadonlyMap<number, BrokerMetadata>,
  b: ReadonlyMap<number, BrokerMetadata>,
): boolean {
  if (a.size !== b.size) return false
  for (const [nodeId, broker] of a) {
    const other = b.get(nodeId)
    if (other === undefined || other.host !== broker.host || other.port !== broker.port)
      return false
  }
  return true
}
