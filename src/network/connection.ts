// One connection to one broker: who it is, which versions it speaks, and the requests on it, whose order
// and deadlines request-pipeline.ts keeps.

import type { Duplex } from 'node:stream'
import { monotonicMs } from '../async/clock.ts'
import { ConnectionError, UnsupportedVersionError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type Endpoint, formatEndpoint } from '../options/bootstrap-servers.ts'
import { type AnyApi, type Api, chooseVersion, type VersionRange } from '../protocol/api.ts'
import type { BrokerFeatures } from './broker-features.ts'
import { describeNode, type SetupPhase } from './connection-errors.ts'
import { PendingRequest } from './pending-requests.ts'
import type { RequestObserver } from './request-observer.ts'
import { RequestPipeline } from './request-pipeline.ts'

/** What a connection is used for: a request that waits long at the broker holds up those behind it. */
export type ConnectionClass = 'produce' | 'fetch' | 'join' | 'coordinator' | 'slow' | 'general'

export interface ConnectionOptions {
  nodeId: number
  endpoint: Endpoint
  kind: ConnectionClass
  clientId: string
  requestTimeoutMs: number
  maxResponseSize: number
  maxIdleMs: number
  usesSasl: boolean
  logger: Logger
  /** Called for each request and response. */
  observer?: RequestObserver | null
  /** Called once, when the connection closes. */
  onClose: (reason: Error) => void
}

/** A broker that wants something else than what it gets closes the connection sooner than this. */
const PROVEN_AFTER_MS = 5000

/** API keys by which a controller is told from a broker. */
const METADATA_KEY = 3
const VOTE_KEY = 52

/** Ends the message of an UnsupportedVersionError that a controller is the reason of. */
export const controllerHint =
  '. This is a controller, which serves only administration of the cluster: connect to a broker for it.'

/** How many requests may be in flight; who produces and who fetches keep their own count. */
const maxInFlight: Readonly<Record<ConnectionClass, number>> = {
  produce: Number.POSITIVE_INFINITY,
  fetch: Number.POSITIVE_INFINITY,
  join: 1,
  coordinator: 5,
  slow: 5,
  general: 5,
}

/** The producer and the fetcher have theirs for themselves, and need it closed when their time is up. */
const sharedClasses: ReadonlySet<ConnectionClass> = new Set(['coordinator', 'slow', 'general'])

export class Connection {
  /** Negative for bootstrap addresses. */
  readonly nodeId: number
  /** `host:port` */
  readonly address: string
  readonly options: ConnectionOptions
  /** Settles, never rejects, when no socket of this connection is left. */
  readonly released: Promise<void>
  /** Aborted, with the reason, when the connection closes. */
  readonly closing: AbortSignal
  /** As the broker names this client in ACLs, such as `User:ann`; null: not known. */
  principal: string | null = null
  /** What it is doing, or did last, on its way to being ready. */
  phase: SetupPhase = 'resolving'
  /** The broker ended the stream and gave no reason. */
  endedByBroker = false
  /** It was closed for being unused: nothing is wrong with the broker. */
  wasIdle = false
  private readonly abort = new AbortController()
  private readonly pipeline: RequestPipeline
  private release: () => void = () => {}
  private socket: Duplex | null = null
  private readyAt = Number.POSITIVE_INFINITY
  private features: BrokerFeatures | null = null

  constructor(options: ConnectionOptions) {
    this.options = options
    this.nodeId = options.nodeId
    this.address = formatEndpoint(options.endpoint)
    this.closing = this.abort.signal
    this.released = new Promise((resolve) => {
      this.release = resolve
    })
    this.pipeline = new RequestPipeline(this, {
      clientId: options.clientId,
      maxInFlight: maxInFlight[options.kind],
      requestTimeoutMs: options.requestTimeoutMs,
      isShared: sharedClasses.has(options.kind),
      maxResponseSize: options.maxResponseSize,
      maxIdleMs: options.maxIdleMs,
      logger: options.logger,
      nodeId: options.nodeId,
      observer: options.observer ?? null,
    })
  }

  get isClosed(): boolean {
    return this.closing.aborted
  }

  /** Requests written or queued that still wait for a response. */
  get inFlight(): number {
    return this.pipeline.inFlight
  }

  /** When requests are written again, by the clock of `monotonicMs()`; 0 if the broker does not throttle. */
  get throttledUntil(): number {
    const { throttledMs } = this.pipeline
    return throttledMs > 0 ? monotonicMs() + throttledMs : 0
  }

  /** For how long the broker has throttled this client; 0 if it does not. */
  get throttledForMs(): number {
    return this.pipeline.throttledForMs
  }

  /** More than 1 MiB of requests has not been taken by the kernel. */
  get isCongested(): boolean {
    return this.pipeline.isCongested
  }

  /** For how long nothing came although a response is due; 0 if none is. */
  get silentMs(): number {
    return this.pipeline.silentMs
  }

  /** Whether the broker responds on it, or at least has kept it open for a while. */
  get isProven(): boolean {
    return this.pipeline.hasResponded || monotonicMs() - this.readyAt > PROVEN_AFTER_MS
  }

  /** Unused for long enough that the broker may be about to close it. */
  get isStale(): boolean {
    return this.pipeline.isStale
  }

  /** What the broker said of itself; null before the connection is ready. */
  get brokerFeatures(): BrokerFeatures | null {
    return this.features
  }

  versionRange(api: AnyApi): VersionRange | undefined {
    return this.features?.versions.get(api.key)
  }

  /**
   * The highest version that both sides speak.
   * @param most a bound of the caller's own
   * @throws UnsupportedVersionError
   */
  version(api: AnyApi, most?: number): number {
    try {
      return chooseVersion(api, this.versionRange(api), most)
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error
      const hint = this.isController ? controllerHint : ''
      throw new UnsupportedVersionError(`${this.describe()}: ${error.message}${hint}`, {
        cause: error,
      })
    }
  }

  /** Whether it leads to a listener of controllers: those vote, and serve no Metadata. */
  private get isController(): boolean {
    const versions = this.features?.versions
    return versions?.has(VOTE_KEY) === true && !versions.has(METADATA_KEY)
  }

  /**
   * Writes the request, together with all others of this turn, and gives its response. `request` must
   * not be changed before.
   * @param options.timeoutMs counted from the writing; what waits to be written waits as long at most
   * @param options.onReleased called when the kernel has taken all its bytes; not if the connection ends
   * @param options.isBackground whether the process may end before the response comes
   */
  send<Q, A>(
    api: Api<Q, A>,
    version: number,
    request: Q,
    options: {
      timeoutMs: number
      signal?: AbortSignal
      onReleased?: () => void
      isBackground?: boolean
    },
  ): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const pending = new PendingRequest(api, version, request, options.timeoutMs, resolve, reject)
      const { signal } = options
      pending.onReleased = options.onReleased ?? null
      pending.isBackground = options.isBackground ?? false
      if (signal !== undefined) {
        signal.throwIfAborted()
        pending.watch(signal, () => this.pipeline.forget(pending))
      }
      try {
        this.pipeline.add(pending)
      } catch (error) {
        pending.reject(error)
      }
    })
  }

  /**
   * A request without a response (Produce with acks=0): settles when its bytes are with the kernel.
   * It waits only while the connection is held: look at `isCongested` first.
   */
  sendWithoutResponse<Q, A>(api: Api<Q, A>, version: number, request: Q): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timeoutMs = this.options.requestTimeoutMs
      const pending = new PendingRequest(api, version, request, timeoutMs, resolve, reject)
      this.pipeline.addUnanswered(pending)
    })
  }

  /** A request of the authentication: it is written while all others are held. */
  sendHeld<Q, A>(api: Api<Q, A>, version: number, request: Q, timeoutMs: number): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const pending = new PendingRequest(api, version, request, timeoutMs, resolve, reject)
      this.pipeline.addAtOnce(pending)
    })
  }

  /** Writes nothing more until `resume`. Settles when every open response has come. */
  hold(): Promise<void> {
    return this.pipeline.hold()
  }

  resume(): void {
    this.pipeline.resume()
  }

  /** Every request in flight is rejected at once. */
  close(reason?: Error): void {
    if (this.closing.aborted) return
    const cause = reason ?? new ConnectionError('the connection was closed by this client')
    this.abort.abort(cause)
    if (this.socket === null) this.release()
    else this.socket.destroy()
    this.options.onClose(cause)
    this.pipeline.end(cause)
  }

  closeIdle(): void {
    this.wasIdle = true
    this.close(new ConnectionError('the connection was idle'))
  }

  /** Takes the socket over; from here on it is this connection that closes it. */
  attach(socket: Duplex): void {
    this.socket = socket
    this.pipeline.attach(socket)
    socket.on('end', () => this.closeEnded())
    socket.on('error', (error) => this.close(error))
    socket.on('close', () => {
      this.closeEnded()
      this.release()
    })
    if (this.closing.aborted) socket.destroy()
    else if (socket.errored) this.close(socket.errored)
    else if (socket.destroyed) this.closeEnded()
  }

  /** Where the socket puts what it receives. */
  target(): Buffer {
    return this.pipeline.target()
  }

  /** What the socket received stands in the last `target`. */
  received(bytes: number): void {
    this.pipeline.received(bytes)
  }

  /** The versions are known: `version` works. */
  learnFeatures(features: BrokerFeatures): void {
    this.features = features
  }

  /** The setup is done: other requests may come, and responses may be large. */
  makeReady(): void {
    this.readyAt = monotonicMs()
    this.pipeline.makeReady()
  }

  describe(): string {
    return describeNode(this.nodeId, this.address)
  }

  private closeEnded(): void {
    if (this.closing.aborted) return
    this.endedByBroker = true
    this.close(new ConnectionError(this.endText()))
  }

  private endText(): string {
    const text = 'the broker closed the connection'
    if (this.options.usesSasl || this.pipeline.hasResponded || this.inFlight === 0) return text
    return `${text} upon its first request: it may require SASL (option 'sasl'), or be shutting down`
  }
}
