// What applies to one group: its own configuration where it has one, else the broker's.

import type { BrokerProperties } from '../broker-properties.ts'

export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** Least time between two target assignments. */
  readonly assignmentIntervalMs: number
}

export interface GroupSettings {
  consumer(groupId: string): ConsumerGroupSettings
}

export function groupSettings(properties: BrokerProperties): GroupSettings {
  return {
    consumer: () => ({
      sessionTimeoutMs: properties.groupConsumerSessionTimeoutMs,
      heartbeatIntervalMs: properties.groupConsumerHeartbeatIntervalMs,
      assignmentIntervalMs: properties.groupConsumerAssignmentIntervalMs,
    }),
  }
}
