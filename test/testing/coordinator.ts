// A group coordinator without sockets, for tests in which time is a number.

import type { BrokerProperties } from '../../src/testing/broker-properties.ts'
import type { Deadlines } from '../../src/testing/deadlines.ts'
import { GroupCoordinator } from '../../src/testing/groups/group-coordinator.ts'
import { GroupSettings } from '../../src/testing/groups/group-settings.ts'
import type { TopicStore } from '../../src/testing/topic-store.ts'

export function coordinatorOf(
  properties: BrokerProperties,
  deadlines: Deadlines,
  topics: TopicStore,
): GroupCoordinator {
  return new GroupCoordinator({
    properties,
    settings: new GroupSettings(properties),
    deadlines,
    topics,
  })
}
