// What a test puts between the requests and their handlers, and what it can look up afterwards.

import type { AnyApi, Api } from '../protocol/api.ts'

/** What an interceptor returns to send no response. */
export interface NoAnswer {
  readonly instead: 'noAnswer'
}

export interface Disconnect {
  readonly instead: 'disconnect'
}

/** Returned by an interceptor: no response is sent, and the connection stays open. */
export const noAnswer: NoAnswer = Object.freeze({ instead: 'noAnswer' })
/** Returned by an interceptor: the connection ends instead of a response. */
export const disconnect: Disconnect = Object.freeze({ instead: 'disconnect' })

export type InterceptorResult<Response> = Response | NoAnswer | Disconnect

/** The connection by which a request came. */
export interface ConnectionHandle {
  readonly nodeId: number
  /** As the last request said. */
  readonly clientId: string | null
  readonly isOpen: boolean
  /** Cuts it at once, by a reset. */
  close(): void
  /** Nothing is read or handled any more, as with a broker that hangs. */
  pause(): void
  resume(): void
}

/** One request on its way to its handler. */
export interface Call<Request, Response> {
  readonly api: string
  /** May be changed before `next`; what is changed is what the handler sees. */
  readonly request: Request
  readonly version: number
  readonly nodeId: number
  readonly clientId: string | null
  readonly connection: ConnectionHandle
  /** The normal handling: older interceptors first, then the broker. Each call is a delivery. */
  next(): Promise<Response>
}

export type Interceptor<Request, Response> = (
  call: Call<Request, Response>,
) => InterceptorResult<Response> | Promise<InterceptorResult<Response>>

/** A request that came in, as it was decoded. */
export interface RecordedRequest<Request> {
  readonly api: string
  readonly version: number
  readonly request: Request
  readonly nodeId: number
  readonly clientId: string | null
  /** Monotonic time of its arrival, by the clock of the cluster (ms). */
  readonly at: number
}

const RECORDED_REQUESTS = 10_000

/** What an older interceptor decided, on its way past the newer ones that called `next`. */
class EndedByInterceptor extends Error {
  readonly outcome: NoAnswer | Disconnect

  constructor(outcome: NoAnswer | Disconnect) {
    super('an older interceptor sent no response')
    this.outcome = outcome
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as AnyApi, both a source and a sink of its messages
type AnyInterceptor = Interceptor<any, any>
type AnyCall = Call<unknown, unknown>

export class Interceptors {
  private readonly byKey = new Map<number, AnyInterceptor[]>()

  /** Returns the function that removes it again. */
  add<Q, A>(api: Api<Q, A>, interceptor: Interceptor<Q, A>): () => void {
    const before = this.byKey.get(api.key) ?? []
    this.byKey.set(api.key, [interceptor, ...before])
    return () => {
      const left = (this.byKey.get(api.key) ?? []).filter((other) => other !== interceptor)
      this.byKey.set(api.key, left)
    }
  }

  /** Those of that API, newest first. */
  of(api: AnyApi): readonly AnyInterceptor[] {
    return this.byKey.get(api.key) ?? []
  }
}

/** Runs a call through the interceptors, newest first, to the handler. */
export async function runIntercepted(
  interceptors: readonly AnyInterceptor[],
  call: Omit<AnyCall, 'next'>,
  handle: () => unknown,
): Promise<InterceptorResult<unknown>> {
  const run = async (index: number): Promise<unknown> => {
    if (index === interceptors.length) return await handle()
    const response = await interceptors[index]({ ...call, next: () => run(index + 1) })
    if (response === noAnswer || response === disconnect) throw new EndedByInterceptor(response)
    return response
  }
  try {
    return await run(0)
  } catch (error) {
    if (error instanceof EndedByInterceptor) return error.outcome
    throw error
  }
}

/** The last requests, oldest first. */
export class RequestRecorder {
  private readonly ring: RecordedRequest<unknown>[] = []
  private next = 0

  record(entry: RecordedRequest<unknown>): void {
    this.ring[this.next] = entry
    this.next = (this.next + 1) % RECORDED_REQUESTS
  }

  of(api: AnyApi | undefined): RecordedRequest<unknown>[] {
    const all =
      this.ring.length < RECORDED_REQUESTS
        ? this.ring.slice()
        : [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)]
    return api === undefined ? all : all.filter((entry) => entry.api === api.name)
  }

  clear(): void {
    this.ring.length = 0
    this.next = 0
  }
}
