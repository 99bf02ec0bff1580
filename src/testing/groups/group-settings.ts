// What applies to one group: its own configuration where it has one, else the broker's.

import type { BrokerProperties } from '../broker-properties.ts'

export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Least time between two target assignments. */
  readonly assignmentIntervalMs: number
}

export interface ShareGroupSettings extends ConsumerGroupSettings {
  /** How long a record stays with the member that acquired it. */
  readonly recordLockDurationMs: number
  readonly deliveryCountLimit: number
  /** Most records of one partition between its start and its newest acquired record. */
  readonly partitionMaxRecordLocks: number
  /** `earliest`, `latest`, or `by_duration:` with an ISO 8601 duration. */
  readonly autoOffsetReset: string
  readonly isolationLevel: 'read_committed' | 'read_uncommitted'
}

/** The configurations of groups, by group id and name. */
export type GroupConfigs = Map<string, Map<string, string>>

export class GroupSettings {
  readonly configs: GroupConfigs = new Map()
  private readonly properties: BrokerProperties

  constructor(properties: BrokerProperties) {
    this.properties = properties
  }

  consumer(groupId: string): ConsumerGroupSettings {
    const { properties } = this
    const given = this.configs.get(groupId)
    return {
      sessionTimeoutMs: numberOf(
        given,
        'consumer.session.timeout.ms',
        properties.groupConsumerSessionTimeoutMs,
      ),
      heartbeatIntervalMs: numberOf(
        given,
        'consumer.heartbeat.interval.ms',
        properties.groupConsumerHeartbeatIntervalMs,
      ),
      assignmentIntervalMs: numberOf(
        given,
        'consumer.assignment.interval.ms',
        properties.groupConsumerAssignmentIntervalMs,
      ),
    }
  }

  share(groupId: string): ShareGroupSettings {
    const { properties } = this
    const given = this.configs.get(groupId)
    const isolation = given?.get('share.isolation.level')
    return {
      sessionTimeoutMs: numberOf(
        given,
        'share.session.timeout.ms',
        properties.groupShareSessionTimeoutMs,
      ),
      heartbeatIntervalMs: numberOf(
        given,
        'share.heartbeat.interval.ms',
        properties.groupShareHeartbeatIntervalMs,
      ),
      assignmentIntervalMs: numberOf(
        given,
        'share.assignment.interval.ms',
        properties.groupShareAssignmentIntervalMs,
      ),
      recordLockDurationMs: numberOf(
        given,
        'share.record.lock.duration.ms',
        properties.groupShareRecordLockDurationMs,
      ),
      deliveryCountLimit: numberOf(
        given,
        'share.delivery.count.limit',
        properties.groupShareDeliveryCountLimit,
      ),
      partitionMaxRecordLocks: numberOf(
        given,
        'share.partition.max.record.locks',
        properties.groupSharePartitionMaxRecordLocks,
      ),
      autoOffsetReset: given?.get('share.auto.offset.reset') ?? properties.shareAutoOffsetReset,
      isolationLevel: isolation === 'read_committed' ? isolation : 'read_uncommitted',
    }
  }
}

function numberOf(
  given: ReadonlyMap<string, string> | undefined,
  name: string,
  otherwise: number,
): number {
  const value = given?.get(name)
  return value === undefined ? otherwise : Number(value)
}
