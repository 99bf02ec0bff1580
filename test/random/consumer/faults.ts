// Requests that go wrong, as a plan says, one after the other.

import { errorCodes } from '../../../src/protocol/error-codes.ts'
import {
  type FetchRequest,
  type FetchResponse,
  fetch,
  type PartitionData,
} from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import type { Call, InterceptorResult } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { FaultQueue } from '../groups/fault-queue.ts'
import type { CodeFault, FaultApi } from './plan.ts'

/** How often a leader that is behind says so: another member may ask it first. */
const OUT_OF_RANGE_TIMES = 3

export class Faults extends FaultQueue<FaultApi, CodeFault> {
  /** Partitions whose leader does not have the positions, and in how many more responses it says so. */
  private readonly behind = new Map<number, number>()

  /** @param count of the partitions of topic t */
  constructor(cluster: TestCluster, count: number) {
    super()
    cluster.intercept(fetch, (call) => this.fetchBehind(cluster, call))
    cluster.intercept(fetch, (call) =>
      this.garble('fetch', call, (response, errorCode) => {
        // A session says nothing of a partition that has nothing new.
        if (response.responses.length === 0) {
          const partitions = Array.from({ length: count }, (_, index) => index)
            .filter((index) => cluster.leaderOf('t', index) === call.nodeId)
            .map(nothingOf)
          response.responses.push({ topic: 't', topicId: cluster.topicId('t'), partitions })
        }
        for (const { partitions } of response.responses) {
          for (const each of partitions) Object.assign(each, { errorCode, records: null })
        }
      }),
    )
    cluster.intercept(listOffsets, (call) =>
      this.garble('listOffsets', call, (response, errorCode) => {
        for (const { partitions } of response.topics) {
          for (const each of partitions) Object.assign(each, { errorCode, offset: -1n })
        }
      }),
    )
    cluster.intercept(offsetForLeaderEpoch, (call) =>
      this.garble('offsetForLeaderEpoch', call, (response, errorCode) => {
        for (const { partitions } of response.topics) {
          for (const each of partitions) Object.assign(each, { errorCode, endOffset: -1n })
        }
      }),
    )
    cluster.intercept(offsetFetch, (call) =>
      this.garble('offsetFetch', call, (response, errorCode) => {
        response.errorCode = errorCode
        for (const group of response.groups) group.errorCode = errorCode
      }),
    )
    cluster.intercept(offsetCommit, (call) =>
      // A commit that is refused has no effect.
      this.pass('offsetCommit', call, ({ code: errorCode }) => ({
        throttleTimeMs: 0,
        topics: call.request.topics.map(({ name, topicId, partitions }) => ({
          name,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        })),
      })),
    )
  }

  /** The leader of a partition of topic t says that it does not have the positions. */
  outOfRange(partition: number): void {
    this.behind.set(partition, OUT_OF_RANGE_TIMES)
  }

  override end(): void {
    super.end()
    this.behind.clear()
  }

  private async fetchBehind(
    cluster: TestCluster,
    { nodeId, next }: Call<FetchRequest, FetchResponse>,
  ): Promise<FetchResponse> {
    const index = [...this.behind.keys()].find((each) => cluster.leaderOf('t', each) === nodeId)
    const response = await next()
    if (index === undefined) return response
    const left = (this.behind.get(index) ?? 0) - 1
    if (left > 0) this.behind.set(index, left)
    else this.behind.delete(index)
    const partition = { ...nothingOf(index), errorCode: errorCodes.OFFSET_OUT_OF_RANGE }
    response.responses = [{ topic: 't', topicId: cluster.topicId('t'), partitions: [partition] }]
    return response
  }

  /** The broker does what it is asked, and responds with the code. */
  private garble<Q, A>(
    api: FaultApi,
    call: Call<Q, A>,
    refuse: (response: A, errorCode: number) => void,
  ): Promise<InterceptorResult<A>> {
    return this.pass(api, call, async ({ code }) => {
      const response = await call.next()
      refuse(response, code)
      return response
    })
  }
}

function nothingOf(partitionIndex: number): PartitionData {
  return {
    partitionIndex,
    errorCode: 0,
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: null,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1n, epoch: -1 },
  }
}
