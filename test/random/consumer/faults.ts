// Requests that go wrong, as a plan says, one after the other.

import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import { type Call, disconnect, type InterceptorResult } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Fault, FaultApi } from './plan.ts'

export class Faults {
  private readonly waiting = new Map<FaultApi, Fault[]>()

  constructor(cluster: TestCluster) {
    cluster.intercept(fetch, (call) =>
      this.pass('fetch', call, (response, errorCode) => {
        for (const { partitions } of response.responses) {
          for (const each of partitions) Object.assign(each, { errorCode, records: null })
        }
      }),
    )
    cluster.intercept(listOffsets, (call) =>
      this.pass('listOffsets', call, (response, errorCode) => {
        for (const { partitions } of response.topics) {
          for (const each of partitions) Object.assign(each, { errorCode, offset: -1n })
        }
      }),
    )
    cluster.intercept(offsetForLeaderEpoch, (call) =>
      this.pass('offsetForLeaderEpoch', call, (response, errorCode) => {
        for (const { partitions } of response.topics) {
          for (const each of partitions) Object.assign(each, { errorCode, endOffset: -1n })
        }
      }),
    )
    cluster.intercept(offsetFetch, (call) =>
      this.pass('offsetFetch', call, (response, errorCode) => {
        response.errorCode = errorCode
        for (const group of response.groups) group.errorCode = errorCode
      }),
    )
    cluster.intercept(offsetCommit, async (call) => {
      const { request } = call
      const fault = this.waiting.get('offsetCommit')?.[0]
      if (fault?.kind !== 'code') return this.pass('offsetCommit', call, () => {})
      this.waiting.get('offsetCommit')?.shift()
      return {
        throttleTimeMs: 0,
        topics: request.topics.map(({ name, topicId, partitions }) => ({
          name,
          topicId,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: fault.code,
          })),
        })),
      }
    })
  }

  add(api: FaultApi, fault: Fault, times: number): void {
    const queue = this.waiting.get(api) ?? []
    queue.push(...Array.from({ length: times }, () => fault))
    this.waiting.set(api, queue)
  }

  end(): void {
    this.waiting.clear()
  }

  private async pass<Q, A>(
    api: FaultApi,
    { next }: Call<Q, A>,
    refuse: (response: A, errorCode: number) => void,
  ): Promise<InterceptorResult<A>> {
    const fault = this.waiting.get(api)?.shift()
    if (fault === undefined) return next()
    if (fault.kind === 'unsent') return disconnect
    const response = await next()
    if (fault.kind === 'lost') return disconnect
    if (fault.kind === 'late') await new Promise((resolve) => setTimeout(resolve, fault.ms))
    else refuse(response, fault.code)
    return response
  }
}
