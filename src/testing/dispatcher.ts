// From the bytes of one request to the bytes of its answer: header, version, recorder, interceptors,
// handler. What a client may not send ends its connection, as a broker ends it, and is kept for the
// test to see.

import { DecodeError } from '../errors.ts'
import { decodeRequest, type VersionRange } from '../protocol/api.ts'
import {
  decodeRequestHeader,
  encodeResponseFrame,
  requestHeaderReader,
  requestHeaderVersion,
} from '../protocol/header.ts'
import { apiVersions } from '../protocol/messages/api-versions.ts'
import type { ClusterState, NodeState } from './cluster-state.ts'
import type { AnyRoute, RequestContext } from './handler.ts'
import { unsupportedApiVersions } from './handlers/api-versions.ts'
import {
  type ConnectionHandle,
  disconnect,
  type Interceptors,
  noAnswer,
  type RequestRecorder,
  runIntercepted,
} from './interceptors.ts'

/** What is to be written, or that nothing is, or that the connection ends. */
export type Reply = Buffer[] | 'noAnswer' | 'disconnect'

/** A connection, as far as a request needs it. */
export interface Client {
  readonly handle: ConnectionHandle
  readonly host: string
  readonly closed: AbortSignal
  clientId: string | null
}

export interface DispatcherOptions {
  readonly state: ClusterState
  readonly routes: ReadonlyMap<number, AnyRoute>
  readonly offered: ReadonlyMap<number, VersionRange>
  readonly interceptors: Interceptors
  /** Null: requests are not kept. */
  readonly recorder: RequestRecorder | null
  /** Hears of each request that was handled. */
  readonly onHandled: () => void
  /** Hears what a client did wrong. */
  readonly onProtocolError: (error: Error) => void
}

export class Dispatcher {
  private readonly options: DispatcherOptions

  constructor(options: DispatcherOptions) {
    this.options = options
  }

  /** @throws what a handler or an interceptor threw */
  async dispatch(frame: Buffer, node: NodeState, client: Client): Promise<Reply> {
    const { routes, offered, recorder, interceptors, onProtocolError, onHandled } = this.options
    if (frame.length < 8) {
      onProtocolError(new DecodeError(`a request of ${frame.length} bytes is less than a header`))
      return 'disconnect'
    }
    const key = frame.readInt16BE(0)
    const version = frame.readInt16BE(2)
    const correlationId = frame.readInt32BE(4)
    const route = routes.get(key)
    const range = offered.get(key)
    if (route === undefined || range === undefined) {
      onProtocolError(new Error(`a request of API ${key} v${version}, which is not offered`))
      return 'disconnect'
    }
    const { api } = route
    if (version < range.minVersion || version > range.maxVersion) {
      if (api === apiVersions) {
        const answer = unsupportedApiVersions(key, range.minVersion, range.maxVersion)
        return encodeResponseFrame(apiVersions, 0, correlationId, answer)
      }
      onProtocolError(
        new Error(
          `a request of ${api.name} v${version}, offered are ${range.minVersion} to ${range.maxVersion}`,
        ),
      )
      return 'disconnect'
    }
    let request: unknown
    try {
      request = this.decode(frame, route, version, client)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      onProtocolError(error)
      return 'disconnect'
    }
    const { clientId } = client
    recorder?.record({
      api: api.name,
      version,
      request,
      nodeId: node.id,
      clientId,
      at: performance.now(),
    })
    const context: RequestContext = {
      state: this.options.state,
      node,
      version,
      clientId,
      clientHost: client.host,
      offered,
      closed: client.closed,
    }
    const chain = interceptors.of(api)
    const answer =
      chain.length === 0
        ? await route.handle(context, request)
        : await runIntercepted(
            chain,
            {
              api: api.name,
              request,
              version,
              nodeId: node.id,
              clientId,
              connection: client.handle,
            },
            () => route.handle(context, request),
          )
    onHandled()
    if (answer === noAnswer) return 'noAnswer'
    if (answer === disconnect) return 'disconnect'
    const outcome = route.outcomeOf?.(request, answer) ?? 'answer'
    return outcome === 'answer' ? encodeResponseFrame(api, version, correlationId, answer) : outcome
  }

  private decode(frame: Buffer, { api }: AnyRoute, version: number, client: Client): unknown {
    const reader = requestHeaderReader(requestHeaderVersion(api, version), frame)
    client.clientId = decodeRequestHeader(reader).clientId
    const { message, bytesLeft } = decodeRequest<unknown, unknown>(
      api,
      version,
      frame,
      reader.offset,
    )
    if (bytesLeft > 0) {
      throw new DecodeError(`${api.name} v${version}: ${bytesLeft} bytes are left over`, {
        api: api.name,
        version,
        position: frame.length - bytesLeft,
      })
    }
    return message
  }
}
