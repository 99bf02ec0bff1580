// Requests of share consumers that go wrong, as a plan says, one after the other.

import { shareAcknowledge } from '../../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../../src/protocol/messages/share-fetch.ts'
import { shareGroupHeartbeat } from '../../../src/protocol/messages/share-group-heartbeat.ts'
import { type Call, disconnect, type InterceptorResult } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { Fault, FaultApi } from './plan.ts'

const head = { throttleTimeMs: 0, errorMessage: null }

export class Faults {
  private readonly waiting = new Map<FaultApi, Fault[]>()

  constructor(cluster: TestCluster) {
    const session = { ...head, acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] }
    cluster.intercept(shareFetch, (call) =>
      this.pass('shareFetch', call, (errorCode) => ({ ...session, errorCode })),
    )
    cluster.intercept(shareAcknowledge, (call) =>
      this.pass('shareAcknowledge', call, (errorCode) => ({ ...session, errorCode })),
    )
    const member = { ...head, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0 }
    cluster.intercept(shareGroupHeartbeat, (call) =>
      this.pass('shareGroupHeartbeat', call, (errorCode) => ({
        ...member,
        assignment: null,
        errorCode,
      })),
    )
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
    refusal: (errorCode: number) => A,
  ): Promise<InterceptorResult<A>> {
    const fault = this.waiting.get(api)?.shift()
    if (fault === undefined) return next()
    if (fault.kind === 'unsent') return disconnect
    if (fault.kind === 'refused') return refusal(fault.code)
    const response = await next()
    if (fault.kind === 'lost') return disconnect
    if (fault.kind === 'wrong') return refusal(fault.code)
    await new Promise((resolve) => setTimeout(resolve, fault.ms))
    return response
  }
}
