// The membership that `groupProtocol` asks for. With 'auto' the consumer protocol is tried first, and the
// classic one replaces it where brokers or group do not speak it.

import type { Cluster } from '../../cluster/cluster.ts'
import type { CoordinatorClient } from '../../cluster/coordinator-client.ts'
import type { KafkaError } from '../../errors.ts'
import type { ResolvedConsumerOptions } from '../options.ts'
import { openAssignors } from './assignors/by-name.ts'
import { ClassicGroup } from './classic-group.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { GroupMembership, GroupOwner } from './group-membership.ts'
import type { Rebalancer } from './rebalancer.ts'
import type { TopicSubscription } from './topic-subscription.ts'

export interface GroupContext {
  readonly cluster: Cluster
  readonly coordinator: CoordinatorClient
  readonly rebalancer: Rebalancer<unknown, unknown>
  readonly options: ResolvedConsumerOptions
  readonly owner: GroupOwner
  /** The consumer's id in groups whose members choose it. */
  readonly memberId: string
  /** What is subscribed to now. */
  topics(): TopicSubscription
  /** From now on, this is the consumer's membership. */
  onReplaced(group: GroupMembership): void
}

export function openGroup(context: GroupContext): GroupMembership {
  const { cluster, coordinator, rebalancer, options, owner, memberId } = context
  if (options.groupProtocol === 'classic') return openClassicGroup(context)
  const shared = { ...options, memberId, rebalanceTimeoutMs: options.maxPollIntervalMs }
  const group = new ConsumerGroup(cluster, coordinator, rebalancer, shared, {
    ...owner,
    subscription: () => subscriptionOf(context),
    onUnsupported: (error) => fallBack(context, error),
  })
  return told(group, context)
}

function openClassicGroup(context: GroupContext): GroupMembership {
  const { cluster, coordinator, rebalancer, options, owner } = context
  const assignors = openAssignors(options.partitionAssignors)
  const shared = { ...options, rebalanceTimeoutMs: options.maxPollIntervalMs, assignors }
  return told(new ClassicGroup(cluster, coordinator, rebalancer, shared, owner), context)
}

/** Its rebalances name client and group where they are traced. */
function told(group: GroupMembership, { cluster, coordinator }: GroupContext): GroupMembership {
  const { clientId } = cluster.options
  const { groupId } = coordinator
  const { protocol } = group
  group.rebalances.describe = () => ({ clientId, groupId, protocol })
  return group
}

/** Names, and an expression for the broker. */
function subscriptionOf({ cluster, options, topics }: GroupContext): {
  names: readonly string[]
  regex: string | null
} {
  const { names, brokerRegex } = topics()
  if (options.groupProtocol === 'consumer') return { names: [...names].sort(), regex: brokerRegex }
  // The classic protocol may have to do: what both can do is to match on the client.
  return { names: topics().resolve(cluster.metadata), regex: null }
}

function fallBack(context: GroupContext, error: KafkaError): boolean {
  const { cluster, options, onReplaced } = context
  if (options.groupProtocol !== 'auto') return false
  cluster.options.logger.info('using the classic group protocol', { reason: error.message })
  const group = openClassicGroup(context)
  onReplaced(group)
  group.onPull()
  return true
}
