// What the fetcher keeps of one broker. One request is in flight per broker.

import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import { FetchIsolation } from './fetch-isolation.ts'
import { FetchSession } from './fetch-session.ts'
import { FetchSize } from './fetch-size.ts'

export class BrokerLoop<K, V> {
  readonly nodeId: number
  readonly session: FetchSession<AssignedPartition<K, V>> = new FetchSession<
    AssignedPartition<K, V>
  >()
  readonly responseSize: FetchSize
  isBusy = false
  /** A connection is being opened: its coming, or its failure, will be told. */
  isConnecting = false
  /** By when the broker should have responded to the request in flight (monotonic ms). */
  dueAt = 0
  failures = 0
  notBefore = 0
  emptyResponses = 0
  /** The last response (ms); 0: none yet. */
  respondedAt = 0
  /** Whether partitions of this broker have a problem that the next good response ends. */
  hasProblems = false
  readonly isolation: FetchIsolation<AssignedPartition<K, V>> = new FetchIsolation<
    AssignedPartition<K, V>
  >()

  constructor(nodeId: number, options: { fetchMinBytes: number; fetchMaxBytes: number }) {
    this.nodeId = nodeId
    this.responseSize = new FetchSize(options)
  }
}
