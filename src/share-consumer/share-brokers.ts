// The brokers that a share consumer has sessions with, and the way of an acknowledgement to the broker whose
// session its record was acquired in. What comes too late is refused here: the group delivers it again.

import { monotonicMs } from '../async/clock.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { ClusterProblem } from '../cluster/problems.ts'
import { type BrokerHealth, brokerHealth, silenceOf } from '../consumer/fetching/broker-health.ts'
import { type KafkaError, UnsupportedVersionError } from '../errors.ts'
import type { Connection } from '../network/connection.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import { shareFetch } from '../protocol/messages/share-fetch.ts'
import type { Acquisition, SharePartitionName } from './acquisition.ts'
import { ShareBroker } from './share-broker.ts'
import { shareError } from './share-error-table.ts'
import { acknowledgeTypes, lockOf, type ShareRecord } from './share-record.ts'

/** First version with renewals and the acquire mode `record_limit`. */
export const RENEW_VERSION = 2

/** The error of a broker that has neither. */
export function tooOld(connection: Connection): UnsupportedVersionError {
  return new UnsupportedVersionError(
    `${connection.describe()} speaks version 1 of ShareFetch: renewing locks, and shareAcquireMode 'record_limit', need brokers of 4.2 or later`,
  )
}

export interface ShareBrokersOwner {
  /** There is something to send. */
  onPending(): void
  /** A record was acknowledged when it was this member's no longer. */
  onRefusedRecord(record: ShareRecord<unknown, unknown>, error: KafkaError): void
}

export class ShareBrokers {
  private readonly byNode = new Map<number, ShareBroker>()
  private readonly owner: ShareBrokersOwner

  constructor(owner: ShareBrokersOwner) {
    this.owner = owner
  }

  get all(): Iterable<ShareBroker> {
    return this.byNode.values()
  }

  get nodeIds(): Iterable<number> {
    return this.byNode.keys()
  }

  find(nodeId: number): ShareBroker | undefined {
    return this.byNode.get(nodeId)
  }

  of(nodeId: number): ShareBroker {
    let broker = this.byNode.get(nodeId)
    if (broker === undefined) {
      broker = new ShareBroker(nodeId)
      this.byNode.set(nodeId, broker)
    }
    return broker
  }

  health(cluster: Pick<Cluster, 'unreachableSince'>): BrokerHealth[] {
    return [...this.byNode.values()].map((broker) => brokerHealth(broker, cluster))
  }

  /** Those that leave a request without a response. */
  problems(cluster: Pick<Cluster, 'readyConnection'>): ClusterProblem[] {
    return [...this.byNode.values()].flatMap((broker) => {
      const api = broker.isFetching ? 'ShareFetch' : 'ShareAcknowledge'
      return silenceOf(broker, api, cluster) ?? []
    })
  }

  acknowledge(record: ShareRecord<unknown, unknown>, type: number): void {
    const { acquisition, isLost, overAt } = lockOf(record)
    const { offset } = record
    if (isLost || !this.add(acquisition, offset, offset, type, overAt)) {
      this.owner.onRefusedRecord(record, lossOf(record))
    }
  }

  /** Acknowledges offsets that the log has no record for. */
  acknowledgeGap(acquisition: Acquisition, first: bigint, last: bigint): void {
    this.add(acquisition, first, last, acknowledgeTypes.GAP, acquisition.overAt)
  }

  /** Gives back what was acquired and is not delivered. */
  release(acquisition: Acquisition, first: bigint, last: bigint): void {
    this.add(acquisition, first, last, acknowledgeTypes.RELEASE, acquisition.overAt)
  }

  /**
   * Settles with the outcome of the renewals of these records of one acquisition.
   * @throws {UnsupportedVersionError} when the broker cannot renew locks
   */
  async renew(records: readonly ShareRecord<unknown, unknown>[]): Promise<KafkaError | null> {
    const { session, name } = lockOf(records[0]).acquisition
    const broker = this.byNode.get(session.nodeId)
    const lost = records.find((record) => lockOf(record).isLost)
    if (lost !== undefined || broker === undefined || broker.session.hold !== session) {
      return lossOf(lost ?? records[0])
    }
    const { connection } = broker
    if (connection !== null && connection.version(shareFetch) < RENEW_VERSION) {
      throw tooOld(connection)
    }
    const now = monotonicMs()
    const groups = records.map((record) => {
      const { offset } = record
      const { overAt } = lockOf(record)
      return broker.renewals.add(name, offset, offset, acknowledgeTypes.RENEW, overAt, now)
    })
    this.owner.onPending()
    return groups[0].outcome()
  }

  /** Has everything sent that waits, and settles when it has an outcome. */
  async flush(): Promise<void> {
    const outcomes: Promise<unknown>[] = []
    for (const broker of this.byNode.values()) {
      outcomes.push(broker.settled)
      if (broker.acknowledgements.isEmpty) continue
      broker.isUrgent = true
      for (const each of broker.acknowledgements.all()) outcomes.push(each.outcome())
    }
    this.owner.onPending()
    await Promise.all(outcomes)
  }

  /** @returns whether the session that holds the lock is still open */
  private add(
    acquisition: Acquisition,
    first: bigint,
    last: bigint,
    type: number,
    overAt: number,
  ): boolean {
    const { session, name } = acquisition
    const broker = this.byNode.get(session.nodeId)
    if (broker === undefined || broker.session.hold !== session) return false
    const { acknowledgements } = broker
    const isFirst = acknowledgements.isEmpty
    acknowledgements.add(name, first, last, type, overAt, monotonicMs())
    // The first one decides by when all are sent.
    if (isFirst) this.owner.onPending()
    return true
  }
}

function lossOf(record: ShareRecord<unknown, unknown>): KafkaError {
  const { session, name } = lockOf(record).acquisition
  return session.lost ?? lockIsOver(name)
}

/** The error of an acknowledgement that comes when the lock is over. */
export function lockIsOver({ topic, partition }: SharePartitionName): KafkaError {
  const what = `The acknowledgement of ${topic}-${partition}`
  return shareError(errorCodes.INVALID_RECORD_STATE, what, null)
}
