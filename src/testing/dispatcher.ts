// From the bytes of one request to the bytes of its response: header, version, recorder, interceptors,
// handler. What a client may not send ends its connection, as a broker ends it, and is kept for the
// test to see.

import { DecodeError } from '../errors.ts'
import { type AnyApi, decodeRequest, type VersionRange } from '../protocol/api.ts'
import { errorCodes } from '../protocol/error-codes.ts'
import {
  decodeRequestHeader,
  encodeResponseFrame,
  requestHeaderReader,
  requestHeaderVersion,
} from '../protocol/header.ts'
import { type ApiVersionsResponse, apiVersions } from '../protocol/messages/api-versions.ts'
import { saslAuthenticate } from '../protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../protocol/messages/sasl-handshake.ts'
import type { ClusterState, NodeState } from './cluster-state.ts'
import type { AnyRoute, RequestContext } from './handler.ts'
import { unsupportedApiVersions } from './handlers/api-versions.ts'
import {
  type ConnectionHandle,
  disconnect,
  type InterceptorResult,
  type Interceptors,
  noAnswer,
  type RequestRecorder,
  runIntercepted,
} from './interceptors.ts'
import type { ConnectionSecurity } from './security/sasl.ts'

/** What is to be written, or that nothing is, or that the connection ends. */
export type Reply = Buffer[] | 'noAnswer' | 'disconnect'

/** A connection, as far as a request needs it. */
export interface Client {
  readonly handle: ConnectionHandle
  readonly host: string
  readonly closed: AbortSignal
  readonly security: ConnectionSecurity
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

/** A request that may be handled. */
interface Received {
  readonly route: AnyRoute
  readonly version: number
  readonly correlationId: number
  readonly request: unknown
}

const SHORTEST_HEADER_BYTES = 8
/** What a client may ask for before it has authenticated. */
const openApis: ReadonlySet<AnyApi> = new Set<AnyApi>([
  apiVersions,
  saslHandshake,
  saslAuthenticate,
])

export class Dispatcher {
  private readonly options: DispatcherOptions

  constructor(options: DispatcherOptions) {
    this.options = options
  }

  /** @throws what a handler or an interceptor threw */
  async dispatch(frame: Buffer, node: NodeState, client: Client): Promise<Reply> {
    let received: Received | Reply
    try {
      received = this.receive(frame, client)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.options.onProtocolError(error)
      return 'disconnect'
    }
    if (typeof received === 'string' || Array.isArray(received)) return received
    const { route, version, correlationId, request } = received
    const { api } = route
    const response = await this.handle(received, node, client)
    this.options.onHandled()
    if (response === noAnswer) return 'noAnswer'
    if (response === disconnect) return 'disconnect'
    const outcome = route.outcomeOf?.(request, response) ?? 'respond'
    if (outcome !== 'respond') return outcome
    return encodeResponseFrame(api, encodingOf(api, version, response), correlationId, response)
  }

  /** Reads the request, unless the reply is clear before. */
  private receive(frame: Buffer, client: Client): Received | Reply {
    const { routes, offered } = this.options
    if (frame.length < SHORTEST_HEADER_BYTES) {
      throw new DecodeError(`a request of ${frame.length} bytes is less than a header`)
    }
    const key = frame.readInt16BE(0)
    const version = frame.readInt16BE(2)
    const correlationId = frame.readInt32BE(4)
    const route = routes.get(key)
    const range = offered.get(key)
    if (route === undefined || range === undefined) {
      throw new DecodeError(`a request of API ${key} v${version}, which is not offered`)
    }
    const { api } = route
    this.checkAuthentication(api, client)
    const { minVersion, maxVersion } = range
    if (version >= minVersion && version <= maxVersion) {
      return { route, version, correlationId, request: decodeBody(frame, route, version, client) }
    }
    if (api !== apiVersions) {
      throw new DecodeError(
        `a request of ${api.name} v${version}, offered are ${minVersion} to ${maxVersion}`,
      )
    }
    const response = unsupportedApiVersions(key, minVersion, maxVersion)
    return encodeResponseFrame(apiVersions, 0, correlationId, response)
  }

  /** @throws {DecodeError} when the connection has yet to authenticate. */
  private checkAuthentication(api: AnyApi, { security }: Client): void {
    const { state } = this.options
    if (state.sasl === null || openApis.has(api) || security.isAuthenticated(state.now())) return
    throw new DecodeError(`a request of ${api.name} before the connection has authenticated`)
  }

  private async handle(
    { route, version, request }: Received,
    node: NodeState,
    client: Client,
  ): Promise<InterceptorResult<unknown>> {
    const { state, offered, interceptors, recorder } = this.options
    const { clientId, handle: connection, host, closed } = client
    const call = { api: route.api.name, request, version, nodeId: node.id, clientId }
    recorder?.record({ ...call, at: state.now() })
    const context: RequestContext = {
      state,
      node,
      version,
      clientId,
      clientHost: host,
      security: client.security,
      offered,
      closed,
    }
    const chain = interceptors.of(route.api)
    if (chain.length === 0) return await route.handle(context, request)
    return await runIntercepted(chain, { ...call, connection }, () =>
      route.handle(context, request),
    )
  }
}

/** Refusing the version of ApiVersions is said in v0, whatever was asked (KIP-511). */
function encodingOf(api: AnyApi, version: number, response: unknown): number {
  if (api !== apiVersions) return version
  const { errorCode } = response as ApiVersionsResponse
  return errorCode === errorCodes.UNSUPPORTED_VERSION ? 0 : version
}

function decodeBody(frame: Buffer, { api }: AnyRoute, version: number, client: Client): unknown {
  const reader = requestHeaderReader(requestHeaderVersion(api, version), frame)
  client.clientId = decodeRequestHeader(reader).clientId
  // Bytes behind the request are ignored, as Kafka does: librdkafka sends some.
  return decodeRequest<unknown, unknown>(api, version, frame, reader.offset).message
}
