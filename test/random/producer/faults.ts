// The faults of a random run: interceptors of the in-process broker that lose, repeat, delay, refuse or
// garble the next requests.

import type { AnyApi, Api } from '../../../src/protocol/api.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { addOffsetsToTxn } from '../../../src/protocol/messages/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import {
  type ProduceRequest,
  type ProduceResponse,
  produce,
} from '../../../src/protocol/messages/produce.ts'
import { txnOffsetCommit } from '../../../src/protocol/messages/txn-offset-commit.ts'
import { disconnect, noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { refusedProduce } from '../../harness/refused-produce.ts'
import type { Fault, Step } from './plan.ts'

type FaultStep = Extract<Step, { do: 'fault' }>

const coordinatorApis: readonly AnyApi[] = [
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  findCoordinator,
  initProducerId,
  txnOffsetCommit,
]

/** Codes of a broker that has appended the batch, or may have. */
const doubtful = [
  errorCodes.REQUEST_TIMED_OUT,
  errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  errorCodes.UNKNOWN_SERVER_ERROR,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  9999,
]
const refusals = [
  errorCodes.NOT_ENOUGH_REPLICAS,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.THROTTLING_QUOTA_EXCEEDED,
  errorCodes.MESSAGE_TOO_LARGE,
]
const failures = [errorCodes.TOPIC_AUTHORIZATION_FAILED, errorCodes.INVALID_RECORD]

/** A fault that is still to come, and which of its codes it has. */
interface NextFault {
  readonly fault: Fault
  readonly code: number
}

/** The faults of one run, and what of them is still to come. */
export class Faults {
  private readonly cluster: TestCluster
  private readonly queues = new Map<FaultStep['api'], NextFault[]>()
  private readonly late = new Set<Promise<unknown>>()
  /** Every EndTxn is lost, or its response is. */
  isLosingEnds = false
  /** What happens to the next EndTxn requests, before anything of the plan. */
  ends: Fault[] = []
  private turn = 0

  constructor(cluster: TestCluster) {
    this.cluster = cluster
    this.watch(produce, 'produce')
    this.watch(metadata, 'metadata')
    for (const api of coordinatorApis) this.watch(api, 'coordinator')
  }

  add({ api, fault, code, times }: FaultStep): void {
    const queue = this.queues.get(api) ?? []
    for (let i = 0; i < times; i++) queue.push({ fault, code: code + i })
    this.queues.set(api, queue)
  }

  /** Whether none is still to come. */
  get areOver(): boolean {
    for (const queue of this.queues.values()) if (queue.length > 0) return false
    return this.late.size === 0
  }

  /** No more faults. Resolves when nothing is done late any more. */
  async end(): Promise<void> {
    this.isLosingEnds = false
    this.ends = []
    this.queues.clear()
    await Promise.allSettled(this.late)
  }

  private watch<Q, A>(api: Api<Q, A>, name: FaultStep['api']): void {
    this.cluster.intercept(api, async (call) => {
      const isEnd = (api as AnyApi) === endTxn
      const next = (isEnd ? this.endFault() : undefined) ?? this.queues.get(name)?.shift()
      if (next === undefined) return call.next()
      const { fault, code } = next
      switch (fault) {
        case 'loseRequest':
          return disconnect
        case 'loseResponse':
          await call.next()
          return disconnect
        case 'doLater':
          this.later(5, () => call.next())
          return disconnect
        case 'hang':
          return noAnswer
        case 'doTwice': {
          const answer = await call.next()
          await call.next()
          return answer
        }
        case 'slow':
          await pause(10)
          return call.next()
        default:
          return name === 'produce'
            ? ((await this.produceFault(fault, code, call as never)) as A)
            : this.plainFault(fault, code, api, call)
      }
    })
  }

  private endFault(): NextFault | undefined {
    if (this.isLosingEnds) {
      return { fault: this.turn++ % 3 === 0 ? 'loseResponse' : 'loseRequest', code: 0 }
    }
    const fault = this.ends.shift()
    return fault && { fault, code: 0 }
  }

  private async produceFault(
    fault: Fault,
    code: number,
    call: { request: ProduceRequest; next(): Promise<ProduceResponse> },
  ): Promise<ProduceResponse> {
    if (fault === 'doubtfulCode') {
      const answer = await call.next()
      let next = code
      for (const part of parts(answer)) {
        if (part.errorCode === 0) garble(part, pick(doubtful, next++))
      }
      return answer
    }
    if (fault === 'partial') {
      const answer = await call.next()
      answer.responses[0]?.partitionResponses.pop()
      return answer
    }
    const errorCode = pick(fault === 'refusal' ? refusals : failures, code)
    return refusedProduce(call.request, errorCode)
  }

  /** APIs whose responses have one error code: the same faults as far as they make sense there. */
  private async plainFault<A>(
    fault: Fault,
    code: number,
    api: AnyApi,
    call: { next(): Promise<A> },
  ): Promise<A | typeof disconnect> {
    if (fault === 'failure' && api === endTxn) {
      const errorCode = errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
      return { throttleTimeMs: 0, errorCode, producerId: -1n, producerEpoch: -1 } as A
    }
    const hasCode: readonly AnyApi[] = [initProducerId, endTxn, addOffsetsToTxn]
    if (!hasCode.includes(api) || fault === 'partial' || fault === 'failure') return disconnect
    const answer = await call.next()
    if (fault === 'doubtfulCode') {
      // Done, and the coordinator does not say so.
      const codes = [errorCodes.REQUEST_TIMED_OUT, errorCodes.COORDINATOR_NOT_AVAILABLE]
      Reflect.set(answer as object, 'errorCode', pick(codes, code))
      return answer
    }
    return disconnect
  }

  private later(ms: number, work: () => Promise<unknown>): void {
    const done = pause(ms)
      .then(work)
      .catch(() => {})
      .finally(() => this.late.delete(done))
    this.late.add(done)
  }
}

function garble(part: { errorCode: number; baseOffset: bigint }, errorCode: number): void {
  part.errorCode = errorCode
  part.baseOffset = -1n
}

function pick(codes: readonly number[], code: number): number {
  return codes[code % codes.length]
}

function* parts(answer: ProduceResponse) {
  for (const { partitionResponses } of answer.responses) yield* partitionResponses
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
