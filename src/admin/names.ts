// How errors name things.

import type { TopicPartition } from '../types.ts'

export function groupName(groupId: string): string {
  return `group "${groupId}"`
}

export function partitionName({ topic, partition }: TopicPartition): string {
  return `"${topic}" partition ${partition}`
}
