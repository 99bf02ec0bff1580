// Where the leader of a partition went: in the responses of Produce, Fetch and their share group kin, so
// that a client need not ask for metadata first (KIP-951).

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

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

/** Whether it differs from the default, which is not written. */
export function isLeaderKnown(leader: LeaderIdAndEpoch): boolean {
  return leader.leaderId !== -1 || leader.leaderEpoch !== -1
}

export function encodeLeader(w: Writer, leader: LeaderIdAndEpoch): void {
  w.int32(leader.leaderId)
  w.int32(leader.leaderEpoch)
  w.tags()
}

export function decodeLeader(r: Reader): LeaderIdAndEpoch {
  const leader = { leaderId: r.int32(), leaderEpoch: r.int32() }
  r.tags()
  return leader
}

export function encodeNodeEndpoint(w: Writer, endpoint: NodeEndpoint): void {
  w.int32(endpoint.nodeId)
  w.string(endpoint.host)
  w.int32(endpoint.port)
  w.nullableString(endpoint.rack)
  w.tags()
}

export function decodeNodeEndpoint(r: Reader): NodeEndpoint {
  const endpoint = {
    nodeId: r.int32(),
    host: r.string(),
    port: r.int32(),
    rack: r.nullableString(),
  }
  r.tags()
  return endpoint
}
