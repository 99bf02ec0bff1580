// Requests of share consumers that go wrong, as a plan says, one after the other.

import { shareAcknowledge } from '../../../src/protocol/messages/share-acknowledge.ts'
import { shareFetch } from '../../../src/protocol/messages/share-fetch.ts'
import { shareGroupHeartbeat } from '../../../src/protocol/messages/share-group-heartbeat.ts'
import type { Call, InterceptorResult } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { FaultQueue } from '../groups/fault-queue.ts'
import type { CodeFault, FaultApi } from './plan.ts'

const head = { throttleTimeMs: 0, errorMessage: null }

export class Faults extends FaultQueue<FaultApi, CodeFault> {
  constructor(cluster: TestCluster) {
    super()
    const session = { ...head, acquisitionLockTimeoutMs: 0, responses: [], nodeEndpoints: [] }
    cluster.intercept(shareFetch, (call) =>
      this.respond('shareFetch', call, (errorCode) => ({ ...session, errorCode })),
    )
    cluster.intercept(shareAcknowledge, (call) =>
      this.respond('shareAcknowledge', call, (errorCode) => ({ ...session, errorCode })),
    )
    const member = { ...head, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0 }
    cluster.intercept(shareGroupHeartbeat, (call) =>
      this.respond('shareGroupHeartbeat', call, (errorCode) => ({
        ...member,
        assignment: null,
        errorCode,
      })),
    )
  }

  private respond<Q, A>(
    api: FaultApi,
    call: Call<Q, A>,
    refusal: (errorCode: number) => A,
  ): Promise<InterceptorResult<A>> {
    return this.pass(api, call, async ({ kind, code }) => {
      if (kind === 'wrong') await call.next()
      return refusal(code)
    })
  }
}
