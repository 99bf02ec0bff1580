// A few scripted brokers with one view of the cluster that a test changes as it likes: for metadata that
// no broker would give. What a broker does in earnest is tested against src/testing.

import type { AnyApi } from '../../src/protocol/api.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import {
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  findCoordinator,
} from '../../src/protocol/messages/find-coordinator.ts'
import {
  type MetadataRequest,
  type MetadataResponse,
  type MetadataResponseTopic,
  metadata,
} from '../../src/protocol/messages/metadata.ts'
import {
  bodyOf,
  everyApi,
  ScriptedServer,
  type ServerSide,
  versionsAnswer,
} from '../network/scripted-server.ts'

type Handlers = {
  metadata: (request: MetadataRequest, nodeId: number) => MetadataResponse | null
  findCoordinator: (request: FindCoordinatorRequest, nodeId: number) => FindCoordinatorResponse
}

export class FakeCluster {
  readonly servers: Map<number, ScriptedServer> = new Map()
  readonly topics: Map<string, MetadataResponseTopic> = new Map()
  readonly asked: { nodeId: number; apiKey: number; request: unknown }[] = []
  clusterId = 'fake'
  handlers: Handlers = {
    metadata: (request) => this.metadataAnswer(request),
    findCoordinator: (request) => this.coordinatorAnswer(request, 0),
  }
  /** Nodes that take connections and never say anything. */
  readonly silent: Set<number> = new Set()

  static async start(nodes = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster()
    for (let nodeId = 0; nodeId < nodes; nodeId++) await cluster.startNode(nodeId)
    return cluster
  }

  get bootstrapServers(): string[] {
    return [...this.servers.values()].map(({ address }) => address)
  }

  async startNode(nodeId: number, port = 0): Promise<ScriptedServer> {
    const server = await ScriptedServer.start((side) => this.serve(nodeId, side), { port })
    this.servers.set(nodeId, server)
    return server
  }

  async stopNode(nodeId: number): Promise<void> {
    const server = this.servers.get(nodeId)
    this.servers.delete(nodeId)
    await server?.close()
  }

  addTopic(
    name: string,
    partitions: { leaderId: number; leaderEpoch: number }[],
    topicId: string = idOf(name),
  ): void {
    this.topics.set(name, topicAnswer(name, partitions, topicId))
  }

  metadataAnswer(request: MetadataRequest): MetadataResponse {
    const names = request.topics?.map(({ name }) => name ?? '') ?? [...this.topics.keys()]
    return {
      throttleTimeMs: 0,
      brokers: [...this.servers].map(([nodeId, { port }]) => ({
        nodeId,
        host: '127.0.0.1',
        port,
        rack: null,
      })),
      clusterId: this.clusterId,
      controllerId: 0,
      topics: names.map((name) => this.topics.get(name) ?? topicError(name, 3)),
      clusterAuthorizedOperations: -2147483648,
      errorCode: 0,
    }
  }

  coordinatorAnswer(request: FindCoordinatorRequest, nodeId: number): FindCoordinatorResponse {
    const port = this.servers.get(nodeId)?.port ?? 1
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      nodeId: 0,
      host: '',
      port: 0,
      coordinators: request.coordinatorKeys.map((key) => ({
        key,
        nodeId,
        host: '127.0.0.1',
        port,
        errorCode: 0,
        errorMessage: null,
      })),
    }
  }

  count(api: AnyApi): number {
    return this.asked.filter(({ apiKey }) => apiKey === api.key).length
  }

  async close(): Promise<void> {
    for (const server of this.servers.values()) await server.close()
  }

  private async serve(nodeId: number, side: ServerSide): Promise<void> {
    for (;;) {
      const request = await side.next()
      if (this.silent.has(nodeId)) continue
      if (request.apiKey === apiVersions.key) {
        side.answer(request, apiVersions, versionsAnswer(everyApi))
      } else if (request.apiKey === metadata.key) {
        const body = bodyOf(request, metadata)
        this.asked.push({ nodeId, apiKey: request.apiKey, request: body })
        const answer = this.handlers.metadata(body, nodeId)
        if (answer !== null) side.answer(request, metadata, answer)
      } else if (request.apiKey === findCoordinator.key) {
        const body = bodyOf(request, findCoordinator)
        this.asked.push({ nodeId, apiKey: request.apiKey, request: body })
        side.answer(request, findCoordinator, this.handlers.findCoordinator(body, nodeId))
      } else {
        side.socket.destroy()
      }
    }
  }
}

export function topicAnswer(
  name: string,
  partitions: { leaderId: number; leaderEpoch: number; errorCode?: number }[],
  topicId: string = idOf(name),
): MetadataResponseTopic {
  return {
    errorCode: 0,
    name,
    topicId,
    isInternal: false,
    topicAuthorizedOperations: -2147483648,
    partitions: partitions.map(({ leaderId, leaderEpoch, errorCode = 0 }, partitionIndex) => ({
      errorCode,
      partitionIndex,
      leaderId,
      leaderEpoch,
      replicaNodes: [0],
      isrNodes: [0],
      offlineReplicas: [],
    })),
  }
}

export function topicError(name: string, errorCode: number): MetadataResponseTopic {
  return { ...topicAnswer(name, []), errorCode, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }
}

/** A topic id made of the name. */
export function idOf(name: string): string {
  return Buffer.from(name.padEnd(16, '.').slice(0, 16)).toString('base64url')
}
