// Requests to the coordinator of one group: finds it, asks it, and forgets it when it is not there or says
// that it is not the one.

import { ClosedError, ConnectionError, TimeoutError } from '../errors.ts'
import type { Api } from '../protocol/api.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import type { Cluster } from './cluster.ts'

export interface CoordinatorRequestOptions {
  /** The connection it takes: JoinGroup and SyncGroup may wait for minutes and have one of their own. */
  readonly connection?: 'general' | 'join'
  readonly timeoutMs?: number
  readonly maxVersion?: number
  readonly signal?: AbortSignal
}

export interface CoordinatorResponse<A> {
  readonly answer: A
  readonly version: number
  readonly nodeId: number
}

export class CoordinatorClient {
  readonly groupId: string
  private readonly cluster: Cluster

  constructor(cluster: Cluster, groupId: string) {
    this.cluster = cluster
    this.groupId = groupId
  }

  /** One request. `body` is made for the version that will be used. */
  async request<Q, A>(
    api: Api<Q, A>,
    body: (version: number) => Q,
    options: CoordinatorRequestOptions = {},
  ): Promise<CoordinatorResponse<A>> {
    const { signal } = options
    const timeoutMs = options.timeoutMs ?? this.cluster.options.requestTimeoutMs
    const setUp = { signal, timeoutMs: Math.min(timeoutMs, this.cluster.options.requestTimeoutMs) }
    const nodeId = await this.cluster.coordinator('group', this.groupId, setUp)
    try {
      const kind = options.connection ?? 'general'
      const connection = await this.cluster.connection(nodeId, kind, setUp)
      const version = connection.version(api, options.maxVersion)
      const answer = await connection.send(api, version, body(version), { timeoutMs, signal })
      return { answer, version, nodeId }
    } catch (error) {
      if (isUnreachable(error)) this.forget(nodeId)
      throw error
    }
  }

  /** The coordinator is looked up anew before the next request. */
  forget(nodeId: number): void {
    this.cluster.forgetCoordinator('group', this.groupId, nodeId)
  }

  /** Forgets the coordinator if `code` says that it is not, or not there. True if so. */
  handleCode(code: number, nodeId: number): boolean {
    const isGone =
      code === errorCodes.NOT_COORDINATOR || code === errorCodes.COORDINATOR_NOT_AVAILABLE
    if (isGone) this.forget(nodeId)
    return isGone
  }
}

/** The broker could not be reached or did not answer: another try may find it, or another one. */
export function isUnreachable(error: unknown): boolean {
  return (
    (error instanceof ConnectionError || error instanceof TimeoutError) &&
    !(error instanceof ClosedError)
  )
}
