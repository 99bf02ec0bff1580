// Every group of the cluster by its id, whatever protocol it uses. A group changes its type when it is
// replaced here; the coordinators hold no group of their own.

import { errorCodes } from '../../protocol/error-codes.ts'
import { ClassicGroup } from './classic/classic-group.ts'
import type { ConsumerGroup } from './consumer/consumer-group.ts'
import { GroupError } from './group-error.ts'
import type { ShareGroup } from './share/share-group.ts'

export type Group = ClassicGroup | ConsumerGroup | ShareGroup

export class GroupStore {
  private readonly byId = new Map<string, Group>()

  get all(): Iterable<Group> {
    return this.byId.values()
  }

  get(groupId: string): Group | undefined {
    return this.byId.get(groupId)
  }

  set(group: Group): void {
    this.byId.set(group.groupId, group)
  }

  delete(groupId: string): void {
    this.byId.delete(groupId)
  }

  /** The group if it is a classic one. */
  classic(groupId: string): ClassicGroup | undefined {
    const group = this.byId.get(groupId)
    return group?.type === 'classic' ? group : undefined
  }

  /** The classic group; it is created if there is none, or an empty group of another protocol. */
  getOrCreateClassic(groupId: string): ClassicGroup | undefined {
    const group = this.byId.get(groupId)
    if (group?.type === 'classic') return group
    if (group !== undefined && (group.type !== 'consumer' || !group.isEmpty)) return undefined
    const created = new ClassicGroup(groupId)
    this.set(created)
    return created
  }

  /** @throws {GroupError} GROUP_ID_NOT_FOUND when there is none, or one of another type. */
  consumer(groupId: string, subject = 'Group'): ConsumerGroup {
    const group = this.byId.get(groupId)
    if (group?.type === 'consumer') return group
    throw notOfType(groupId, group, `${subject} ${groupId} not found.`, 'consumer')
  }

  /** @throws {GroupError} GROUP_ID_NOT_FOUND when there is none, or one of another type. */
  share(groupId: string, subject = 'Group'): ShareGroup {
    const group = this.byId.get(groupId)
    if (group?.type === 'share') return group
    throw notOfType(groupId, group, `${subject} ${groupId} not found.`, 'share')
  }
}

function notOfType(
  groupId: string,
  group: Group | undefined,
  missing: string,
  type: string,
): GroupError {
  const message = group === undefined ? missing : `Group ${groupId} is not a ${type} group.`
  return new GroupError(errorCodes.GROUP_ID_NOT_FOUND, message)
}
