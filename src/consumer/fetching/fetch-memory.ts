// What fetch responses take of memory, and how to get most of it back.

import type { FetchResponse } from '../../protocol/messages/fetch.ts'
import { keepFromTransfer } from '../../records/detached-memory.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { FetchedMemory, type HeldBytes } from '../buffer/fetched-memory.ts'

/** The bytes of all records of a response. */
export function bytesOf(response: FetchResponse): number {
  let bytes = 0
  for (const { partitions } of response.responses) {
    for (const { records } of partitions) bytes += records?.length ?? 0
  }
  return bytes
}

/** The memory of a response: all records of it are views on one buffer. */
export function memoryOf(response: FetchResponse, held: HeldBytes): FetchedMemory {
  for (const { partitions } of response.responses) {
    for (const { records } of partitions) {
      if (records === null || records.length === 0) continue
      keepFromTransfer(records)
      const { byteLength } = records.buffer
      // A small response shares a buffer of Node's with others.
      return new FetchedMemory(byteLength <= Buffer.poolSize ? bytesOf(response) : byteLength, held)
    }
  }
  return new FetchedMemory(0, held)
}

/** Copies what is left of each response of which most was delivered, so that its memory can be freed. */
export function moveOut<K, V>(partitions: Iterable<AssignedPartition<K, V>>): void {
  const live = new Map<FetchedMemory, number>()
  const states = [...partitions].filter(({ buffer }) => !buffer.isEmpty)
  for (const { buffer } of states) {
    buffer.countLive((memory, bytes) => live.set(memory, (live.get(memory) ?? 0) + bytes))
  }
  const isMoving = (memory: FetchedMemory): boolean =>
    (live.get(memory) ?? 0) <= memory.sizeInBytes / 2
  for (const { buffer } of states) buffer.moveOut(isMoving)
}
