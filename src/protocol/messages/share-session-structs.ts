// Structs that ShareFetch and ShareAcknowledge have in common (KIP-932).

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AcknowledgementBatch {
  firstOffset: bigint
  lastOffset: bigint
  /** One for all, or one for each offset: 0 gap, 1 accept, 2 release, 3 reject, 4 renew. */
  acknowledgeTypes: number[]
}

export interface LeaderIdAndEpoch {
  leaderId: number
  leaderEpoch: number
}

export interface NodeEndpoint {
  nodeId: number
  host: string
  port: number
  rack: string | null
}

export function encodeAcknowledgementBatch(w: Writer, batch: AcknowledgementBatch): void {
  w.int64(batch.firstOffset)
  w.int64(batch.lastOffset)
  w.int8Array(batch.acknowledgeTypes)
  w.tags()
}

export function decodeAcknowledgementBatch(r: Reader): AcknowledgementBatch {
  const batch = {
    firstOffset: r.int64(),
    lastOffset: r.int64(),
    acknowledgeTypes: r.int8Array(),
  }
  r.tags()
  return batch
}

export function encodeLeaderIdAndEpoch(w: Writer, leader: LeaderIdAndEpoch): void {
  w.int32(leader.leaderId)
  w.int32(leader.leaderEpoch)
  w.tags()
}

export function decodeLeaderIdAndEpoch(r: Reader): LeaderIdAndEpoch {
  const leader = { leaderId: r.int32(), leaderEpoch: r.int32() }
  r.tags()
  return leader
}

export function encodeNodeEndpoint(w: Writer, node: NodeEndpoint): void {
  w.int32(node.nodeId)
  w.string(node.host)
  w.int32(node.port)
  w.nullableString(node.rack)
  w.tags()
}

export function decodeNodeEndpoint(r: Reader): NodeEndpoint {
  const node = {
    nodeId: r.int32(),
    host: r.string(),
    port: r.int32(),
    rack: r.nullableString(),
  }
  r.tags()
  return node
}
