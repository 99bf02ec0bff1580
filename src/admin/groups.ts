// Groups of every type: list them, delete them, remove their members.

import { deleteGroups as deleteApi } from '../protocol/messages/delete-groups.ts'
import { leaveGroup } from '../protocol/messages/leave-group.ts'
import { type ListedGroup, listGroups as listApi } from '../protocol/messages/list-groups.ts'
import type { WaitOptions } from '../types.ts'
import {
  checkItem,
  checkList,
  checkName,
  checkNames,
  checkOptions,
  checkText,
  wrong,
} from './checks.ts'
import { describeGroups } from './describe-groups.ts'
import type { AdminEngine } from './engine.ts'
import type { GroupState, GroupType } from './group-types.ts'
import { tooOld } from './item-errors.ts'
import { groupName } from './names.ts'
import { askEveryBroker, inOrderOf, toCoordinators } from './routing.ts'

/** A group of a list. */
export interface GroupListing {
  groupId: string
  /** Null: brokers before 3.7 do not say. */
  type: GroupType | null
  /** Null: brokers before 2.6 do not say. */
  state: GroupState | null
  /** `consumer` for consumers, `connect` for Kafka Connect; empty for a group that only holds offsets. */
  protocolType: string
}

export interface ListGroupsOptions extends WaitOptions {
  /** @defaultValue all */
  types?: readonly GroupType[]
  /** @defaultValue all */
  states?: readonly GroupState[]
  /** Empty is the type of groups that only hold offsets. @defaultValue all */
  protocolTypes?: readonly string[]
}

/** A member of a classic group: by its static instance id, or by its member id. */
export type MemberToRemove = { groupInstanceId: string } | { memberId: string }

export interface RemoveMembersOptions extends WaitOptions {
  /** @defaultValue every member of the group */
  members?: Iterable<MemberToRemove>
  /** Shown in the coordinator's log (KIP-800). */
  reason?: string
}

const STATES_VERSION = 4
const TYPES_VERSION = 5
const MANY_MEMBERS_VERSION = 3
const groupTypes: readonly string[] = ['classic', 'consumer', 'share', 'streams']

export async function listGroups(
  engine: AdminEngine,
  options: ListGroupsOptions = {},
): Promise<GroupListing[]> {
  const name = 'listGroups()'
  checkOptions(name, options)
  const types = checkList(name, 'types', options.types ?? [])
  for (const type of types) {
    if (groupTypes.includes(type)) continue
    throw wrong(name, 'each of types', `one of ${groupTypes.join(', ')}`, type)
  }
  const states = checkNames(name, 'states', options.states ?? [])
  const protocolTypes = checkList(name, 'protocolTypes', options.protocolTypes ?? [])
  for (const type of protocolTypes) checkText(name, 'each of protocolTypes', type)
  const call = engine.begin(name, options, ['types', 'states', 'protocolTypes'])
  const isWanted = ({ protocolType }: GroupListing): boolean =>
    protocolTypes.length === 0 || protocolTypes.includes(protocolType)
  const listed = await askEveryBroker(call, 'the groups', async (target) => {
    const { errorCode, groups } = await call.send(
      listApi,
      (version) => {
        if (states.length > 0 && version < STATES_VERSION) {
          throw tooOld(name, 'list groups by state', '2.6')
        }
        const isOlder = types.length > 0 && version < TYPES_VERSION
        if (isOlder && !types.includes('classic')) {
          throw tooOld(name, 'list groups by type', '3.8')
        }
        return { statesFilter: states, typesFilter: isOlder ? [] : types }
      },
      target,
    )
    return { errorCode, value: groups.map(listingOf).filter(isWanted) }
  })
  const byId = new Map(listed.flat().map((group) => [group.groupId, group]))
  return [...byId.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

function listingOf({ groupId, groupType, groupState, protocolType }: ListedGroup): GroupListing {
  const type = groupType.toLowerCase()
  return {
    groupId,
    type: groupTypes.includes(type) ? (type as GroupType) : null,
    state: groupState === '' ? null : (groupState as GroupState),
    protocolType,
  }
}

export async function deleteGroups(
  engine: AdminEngine,
  groupIds: Iterable<string>,
  options: WaitOptions = {},
): Promise<void> {
  const name = 'deleteGroups()'
  const ids = checkNames(name, 'groupIds', groupIds)
  const call = engine.begin(name, options)
  await call.each(ids, {
    nameOf: groupName,
    route: toCoordinators('group', (id) => id),
    send: async ({ target, items }) => {
      const { results } = await call.send(deleteApi, () => ({ groupsNames: [...items] }), target)
      return inOrderOf(
        items,
        (id) => id,
        results,
        ({ groupId }) => groupId,
        ({ errorCode }) => ({ errorCode, value: undefined }),
      )
    },
  })
}

export async function removeMembersFromConsumerGroup(
  engine: AdminEngine,
  groupId: string,
  options: RemoveMembersOptions = {},
): Promise<void> {
  const name = 'removeMembersFromConsumerGroup()'
  checkOptions(name, options)
  checkName(name, 'groupId', groupId)
  const given =
    options.members === undefined ? undefined : checkList(name, 'members', options.members)
  for (const member of given ?? []) {
    checkItem(name, 'each of members', member, ['groupInstanceId', 'memberId'])
    const id: unknown = 'groupInstanceId' in member ? member.groupInstanceId : member.memberId
    checkName(name, 'groupInstanceId or memberId of each of members', id)
  }
  const call = engine.begin(name, options, ['members', 'reason'])
  const members = given?.map(identity) ?? (await allMembers(engine, groupId, call.rest))
  const reason = options.reason ?? 'removed by an admin client'
  await call.each(members, {
    nameOf: ({ memberId, groupInstanceId }) =>
      `member "${groupInstanceId ?? memberId}" of ${groupName(groupId)}`,
    route: toCoordinators('group', () => groupId),
    send: async ({ target, items }) => {
      const response = await call.send(
        leaveGroup,
        (version) => {
          if (version < MANY_MEMBERS_VERSION) throw tooOld(name, 'remove members', '2.4')
          return {
            groupId,
            memberId: '',
            members: items.map((item) => ({ ...item, reason: version >= 5 ? reason : null })),
          }
        },
        target,
      )
      const { errorCode: groupCode } = response
      if (groupCode !== 0) return items.map(() => ({ errorCode: groupCode, value: undefined }))
      return inOrderOf(
        items,
        ({ memberId, groupInstanceId }) => groupInstanceId ?? memberId,
        response.members,
        ({ memberId, groupInstanceId }) => groupInstanceId ?? memberId,
        ({ errorCode }) => ({ errorCode, value: undefined }),
      )
    },
  })
}

interface MemberId {
  memberId: string
  groupInstanceId: string | null
}

function identity(member: MemberToRemove): MemberId {
  return 'groupInstanceId' in member
    ? { memberId: '', groupInstanceId: member.groupInstanceId }
    : { memberId: member.memberId, groupInstanceId: null }
}

async function allMembers(
  engine: AdminEngine,
  groupId: string,
  options: WaitOptions,
): Promise<MemberId[]> {
  const [group] = await describeGroups(engine, [groupId], options)
  return group.members.map(({ memberId, groupInstanceId }) =>
    groupInstanceId === null
      ? { memberId, groupInstanceId: null }
      : { memberId: '', groupInstanceId },
  )
}
