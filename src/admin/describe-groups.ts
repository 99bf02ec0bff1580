// Describes groups of every type: each type has its own API, and a coordinator says of a group of
// another type that it does not exist.

import { decodeAssignment, decodeSubscription } from '../consumer/group/consumer-protocol.ts'
import { UnsupportedVersionError } from '../errors.ts'
import type { AclOperation } from '../protocol/acl-constants.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import {
  type DescribedGroup as ConsumerGroup,
  consumerGroupDescribe,
} from '../protocol/messages/consumer-group-describe.ts'
import {
  type DescribedGroup as ClassicGroup,
  describeGroups as classicApi,
} from '../protocol/messages/describe-groups.ts'
import {
  type ShareGroupDescribedGroup as ShareGroup,
  shareGroupDescribe,
} from '../protocol/messages/share-group-describe.ts'
import {
  type StreamsGroupDescribedGroup as StreamsGroup,
  type StreamsGroupDescribeAssignment,
  type StreamsGroupDescribeTopology,
  streamsGroupDescribe,
} from '../protocol/messages/streams-group-describe.ts'
import type { TopicPartition, WaitOptions } from '../types.ts'
import { checkNames, checkOptions } from './checks.ts'
import { operationsOf } from './constants.ts'
import type { AdminCall, AdminEngine, Batch, ItemResponse } from './engine.ts'
import type { GroupState, GroupType } from './group-types.ts'
import { groupName } from './names.ts'
import { toCoordinators } from './routing.ts'

/** A group and its members. */
export interface GroupDescription {
  groupId: string
  type: GroupType
  state: GroupState
  /** `consumer`, `connect`, `share`, `streams`; empty for a classic group without members. */
  protocolType: string
  /** The assignor that is in use; empty if there is none. */
  assignor: string
  /** The broker id of the group's coordinator. */
  coordinator: number
  /** Null for classic groups, as is `assignmentEpoch`. */
  groupEpoch: number | null
  assignmentEpoch: number | null
  members: GroupMember[]
  /** Only for streams groups. */
  topology: StreamsGroupDescribeTopology | null
  /** What this principal may do; null unless `includeAuthorizedOperations` was given. */
  authorizedOperations: AclOperation[] | null
}

/** A member of a group. */
export interface GroupMember {
  memberId: string
  groupInstanceId: string | null
  rackId: string | null
  clientId: string
  /** The address that the member connects from, such as `/10.0.0.7`. */
  clientHost: string
  /** Null in a classic group. */
  memberEpoch: number | null
  assignment: TopicPartition[]
  /** What the coordinator wants it to have; the same as `assignment` when it has settled. */
  targetAssignment: TopicPartition[]
  subscribedTopicNames: string[]
  /** An RE2/J pattern, or null. */
  subscribedTopicRegex: string | null
  /** Whether the member uses the classic protocol. */
  isClassic: boolean
  /** The tasks of a member of a streams group. */
  tasks: StreamsGroupDescribeAssignment | null
}

export interface DescribeGroupsOptions extends WaitOptions {
  /** @defaultValue false */
  includeAuthorizedOperations?: boolean
}

type Described = ItemResponse<GroupDescription>

/** Asks about groups by the API of one type. */
interface Describer {
  readonly describe: (
    call: AdminCall,
    batch: Batch<string>,
    includeAuthorizedOperations: boolean,
    coordinator: number,
  ) => Promise<Described[]>
}

export async function describeGroups(
  engine: AdminEngine,
  groupIds: Iterable<string>,
  options: DescribeGroupsOptions = {},
): Promise<GroupDescription[]> {
  const name = 'describeGroups()'
  checkOptions(name, options)
  const ids = checkNames(name, 'groupIds', groupIds)
  const { includeAuthorizedOperations = false } = options
  const call = engine.begin(name, options, ['includeAuthorizedOperations'])
  return call.each(ids, {
    nameOf: groupName,
    route: toCoordinators('group', (id) => id),
    send: (batch) => describeBatch(call, batch, includeAuthorizedOperations),
  })
}

async function describeBatch(
  call: AdminCall,
  batch: Batch<string>,
  includeAuthorizedOperations: boolean,
): Promise<(Described | undefined)[]> {
  const found = new Map<string, Described>()
  const { target } = batch
  const coordinator = typeof target === 'object' && 'nodeId' in target ? target.nodeId : -1
  let open = batch.items
  for (const { describe } of describers) {
    if (open.length === 0) break
    try {
      const part = { target, items: open }
      const described = await describe(call, part, includeAuthorizedOperations, coordinator)
      for (const group of described) {
        const { groupId } = group.value
        // The first refusal is kept: the coordinator's text for the usual type is the useful one.
        const before = found.get(groupId)?.errorCode
        const isFirst = before === undefined || before === errorCodes.UNSUPPORTED_VERSION
        if (!isOfOtherType(group.errorCode) || isFirst) found.set(groupId, group)
      }
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error
    }
    open = open.filter((id) => isOfOtherType(found.get(id)?.errorCode))
  }
  return batch.items.map((id) => found.get(id))
}

function isOfOtherType(errorCode: number | undefined): boolean {
  return (
    errorCode === undefined ||
    errorCode === errorCodes.GROUP_ID_NOT_FOUND ||
    // A coordinator that knows the API, but runs without groups of this type.
    errorCode === errorCodes.UNSUPPORTED_VERSION
  )
}

const describers: readonly Describer[] = [
  {
    describe: async (call, { target, items }, includeAuthorizedOperations, coordinator) => {
      const body = { groupIds: [...items], includeAuthorizedOperations }
      const { groups } = await call.send(consumerGroupDescribe, () => body, target)
      return groups.map((group) => consumerGroup(group, coordinator))
    },
  },
  {
    describe: async (call, { target, items }, includeAuthorizedOperations, coordinator) => {
      const { groups } = await call.send(
        classicApi,
        (version) => ({
          groups: [...items],
          includeAuthorizedOperations: includeAuthorizedOperations && version >= 3,
        }),
        target,
      )
      return groups.map((group) => classicGroup(group, coordinator))
    },
  },
  {
    describe: async (call, { target, items }, includeAuthorizedOperations, coordinator) => {
      const body = { groupIds: [...items], includeAuthorizedOperations }
      const { groups } = await call.send(shareGroupDescribe, () => body, target)
      return groups.map((group) => shareGroup(group, coordinator))
    },
  },
  {
    describe: async (call, { target, items }, includeAuthorizedOperations, coordinator) => {
      const body = {
        groupIds: [...items],
        includeAuthorizedOperations,
        includeTopologyDescription: false,
      }
      const { groups } = await call.send(streamsGroupDescribe, () => body, target)
      return groups.map((group) => streamsGroup(group, coordinator))
    },
  },
]

/** What every API that describes groups says of a group. */
interface AnyGroup {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly groupId: string
  readonly groupState: string
  readonly authorizedOperations: number
}

type OwnFields = 'type' | 'protocolType' | 'assignor' | 'members'
type EpochFields = 'groupEpoch' | 'assignmentEpoch' | 'topology'

function described(
  group: AnyGroup,
  coordinator: number,
  own: Pick<GroupDescription, OwnFields> & Partial<Pick<GroupDescription, EpochFields>>,
): Described {
  return {
    errorCode: group.errorCode,
    errorMessage: group.errorMessage,
    value: {
      groupId: group.groupId,
      state: stateOf(group.groupState),
      coordinator,
      groupEpoch: null,
      assignmentEpoch: null,
      topology: null,
      authorizedOperations: operationsOf(group.authorizedOperations),
      ...own,
    },
  }
}

/** A member, without what its type of group does not have. */
function memberOf(
  member: Pick<GroupMember, 'memberId' | 'clientId' | 'clientHost'>,
  own: Partial<GroupMember>,
): GroupMember {
  const { memberId, clientId, clientHost } = member
  const assignment = own.assignment ?? []
  return {
    memberId,
    groupInstanceId: null,
    rackId: null,
    clientId,
    clientHost,
    memberEpoch: null,
    assignment,
    targetAssignment: assignment,
    subscribedTopicNames: [],
    subscribedTopicRegex: null,
    isClassic: false,
    tasks: null,
    ...own,
  }
}

function classicGroup(group: ClassicGroup, coordinator: number): Described {
  // Before v6 a group that does not exist is described as a dead one.
  const isMissing = group.errorCode === 0 && group.groupState === 'Dead'
  const errorCode = isMissing ? errorCodes.GROUP_ID_NOT_FOUND : group.errorCode
  const isConsumer = group.protocolType === 'consumer'
  return described({ ...group, errorCode }, coordinator, {
    type: 'classic',
    protocolType: group.protocolType,
    assignor: group.protocolData,
    members: group.members.map((member) =>
      memberOf(member, {
        groupInstanceId: member.groupInstanceId,
        assignment: isConsumer ? assignmentOf(member.memberAssignment) : [],
        subscribedTopicNames: isConsumer ? subscriptionOf(member.memberMetadata) : [],
        isClassic: true,
      }),
    ),
  })
}

function consumerGroup(group: ConsumerGroup, coordinator: number): Described {
  const { groupEpoch, assignmentEpoch } = group
  return described(group, coordinator, {
    type: 'consumer',
    protocolType: 'consumer',
    assignor: group.assignorName,
    groupEpoch,
    assignmentEpoch,
    members: group.members.map((member) =>
      memberOf(member, {
        groupInstanceId: member.instanceId,
        rackId: member.rackId,
        memberEpoch: member.memberEpoch,
        assignment: partitionsOf(member.assignment),
        targetAssignment: partitionsOf(member.targetAssignment),
        subscribedTopicNames: member.subscribedTopicNames,
        subscribedTopicRegex: member.subscribedTopicRegex || null,
        isClassic: member.memberType === 0,
      }),
    ),
  })
}

function shareGroup(group: ShareGroup, coordinator: number): Described {
  const { groupEpoch, assignmentEpoch } = group
  return described(group, coordinator, {
    type: 'share',
    protocolType: 'share',
    assignor: group.assignorName,
    groupEpoch,
    assignmentEpoch,
    members: group.members.map((member) =>
      memberOf(member, {
        rackId: member.rackId,
        memberEpoch: member.memberEpoch,
        assignment: partitionsOf(member.assignment),
        subscribedTopicNames: member.subscribedTopicNames,
      }),
    ),
  })
}

function streamsGroup(group: StreamsGroup, coordinator: number): Described {
  const { groupEpoch, assignmentEpoch, topology } = group
  return described(group, coordinator, {
    type: 'streams',
    protocolType: 'streams',
    assignor: '',
    groupEpoch,
    assignmentEpoch,
    topology,
    members: group.members.map((member) =>
      memberOf(member, {
        groupInstanceId: member.instanceId,
        rackId: member.rackId,
        memberEpoch: member.memberEpoch,
        isClassic: member.isClassic,
        tasks: member.assignment,
      }),
    ),
  })
}

function partitionsOf(assignment: {
  topicPartitions: readonly { topicName: string; partitions: readonly number[] }[]
}): TopicPartition[] {
  return assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
    partitions.map((partition) => ({ topic: topicName, partition })),
  )
}

/** The assignment of a member whose blob is not what consumers write is not known. */
function assignmentOf(bytes: Buffer): TopicPartition[] {
  try {
    return [...decodeAssignment(bytes).assignedPartitions]
  } catch {
    return []
  }
}

function subscriptionOf(bytes: Buffer): string[] {
  try {
    return bytes.length === 0 ? [] : [...decodeSubscription(bytes).topics]
  } catch {
    return []
  }
}

function stateOf(state: string): GroupState {
  return (state === '' ? 'Unknown' : state) as GroupState
}
