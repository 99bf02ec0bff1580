// What the handler of an API is: a function of the request and of what it came by.

import type { AnyApi, Api, VersionRange } from '../protocol/api.ts'
import type { ClusterState, NodeState } from './cluster-state.ts'
import type { ConnectionSecurity } from './security/sasl.ts'

/** Where a request came in. */
export interface RequestContext {
  readonly state: ClusterState
  readonly node: NodeState
  readonly version: number
  readonly clientId: string | null
  readonly clientHost: string
  /** What the connection has proved of its client. */
  readonly security: ConnectionSecurity
  /** What this cluster offers, by API key. */
  readonly offered: ReadonlyMap<number, VersionRange>
  /** Aborted when the connection ends: no client waits for the response. */
  readonly closed: AbortSignal
}

export type Handler<Request, Response> = (
  context: RequestContext,
  request: Request,
) => Response | Promise<Response>

/** Whether a response is sent, or not, or the connection ends instead. */
export type Outcome = 'respond' | 'noAnswer' | 'disconnect'

export interface Route<Request, Response> {
  readonly api: Api<Request, Response>
  readonly handle: Handler<Request, Response>
  /** @defaultValue every response is sent */
  readonly outcomeOf?: (request: Request, response: Response) => Outcome
}

/** A route whose message types are not known here. */
export interface AnyRoute extends Omit<Route<unknown, unknown>, 'api' | 'handle' | 'outcomeOf'> {
  readonly api: AnyApi
  // biome-ignore lint/suspicious/noExplicitAny: as AnyApi, both a source and a sink of its messages
  readonly handle: Handler<any, any>
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly outcomeOf?: (request: any, response: any) => Outcome
}

/** Lets the compiler check that handler and codec speak of the same messages. */
export function route<Request, Response>(
  api: Api<Request, Response>,
  handle: Handler<Request, Response>,
  outcomeOf?: (request: Request, response: Response) => Outcome,
): AnyRoute {
  return outcomeOf === undefined ? { api, handle } : { api, handle, outcomeOf }
}
