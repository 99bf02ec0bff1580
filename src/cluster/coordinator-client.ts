// Requests to the coordinator of one group or transactional id: finds it, asks it, and forgets it when it
// cannot be reached or responds that it does not coordinate that key.

import { ClosedError, ConnectionError, TimeoutError } from '../errors.ts'
import type { Api } from '../protocol/api.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { Cluster } from './cluster.ts'
import type { CoordinatorType } from './coordinators.ts'

export interface CoordinatorRequestOptions {
  /**
   * JoinGroup and SyncGroup may wait for minutes and have a connection of their own. So do all others to
   * the coordinator: nothing that is slow at that broker delays a heartbeat.
   */
  readonly connection?: 'coordinator' | 'join'
  readonly timeoutMs?: number
  readonly maxVersion?: number
  readonly signal?: AbortSignal
}

export interface CoordinatorResponse<A> {
  readonly response: A
  readonly version: number
  readonly nodeId: number
}

export class CoordinatorClient {
  readonly type: CoordinatorType
  /** The group id, or the transactional id. */
  readonly key: string
  private readonly cluster: Cluster
  /** The broker that was asked last. */
  private lastNodeId = -1

  constructor(cluster: Cluster, key: string, type: CoordinatorType = 'group') {
    this.cluster = cluster
    this.key = key
    this.type = type
  }

  /** The broker that was asked last; -1: none yet. */
  get askedNode(): number {
    return this.lastNodeId
  }

  get groupId(): string {
    return this.key
  }

  /** One request. `body` is made for the version that will be used. */
  async request<Q, A>(
    api: Api<Q, A>,
    body: (version: number) => Q,
    options: CoordinatorRequestOptions = {},
  ): Promise<CoordinatorResponse<A>> {
    const { signal } = options
    const { requestTimeoutMs } = this.cluster.options
    const timeoutMs = options.timeoutMs ?? requestTimeoutMs
    const setUp = { signal, timeoutMs: Math.min(timeoutMs, requestTimeoutMs) }
    const nodeId = await this.cluster.coordinator(this.type, this.key, setUp)
    this.lastNodeId = nodeId
    try {
      const kind = options.connection ?? 'coordinator'
      const connection = await this.cluster.connection(nodeId, kind, setUp)
      const version = connection.version(api, options.maxVersion)
      const response = await connection.send(api, version, body(version), { timeoutMs, signal })
      return { response, version, nodeId }
    } catch (error) {
      // A caller with little time says nothing about the broker.
      const isImpatient = error instanceof TimeoutError && timeoutMs < requestTimeoutMs
      if (isUnreachable(error) && !isImpatient) this.forget(nodeId)
      throw error
    }
  }

  /** The coordinator is looked up again before the next request. */
  forget(nodeId: number): void {
    this.cluster.forgetCoordinator(this.type, this.key, nodeId)
  }

  /** The broker that was asked last does not coordinate this key. */
  forgetLast(): void {
    this.forget(this.lastNodeId)
  }

  /** Forgets the coordinator if `code` says that it is not, or not there. True if so. */
  handleCode(code: number, nodeId: number): boolean {
    const isGone =
      code === errorCodes.NOT_COORDINATOR || code === errorCodes.COORDINATOR_NOT_AVAILABLE
    if (isGone) this.forget(nodeId)
    return isGone
  }
}

/** The broker could not be reached or did not respond: another try may find it, or another broker. */
export function isUnreachable(error: unknown): boolean {
  return (
    (error instanceof ConnectionError || error instanceof TimeoutError) &&
    !(error instanceof ClosedError)
  )
}
