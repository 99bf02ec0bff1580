// KIP-714: asks the cluster which metrics of this client it wants, and pushes them. Must stay true: what goes
// wrong here fails no other call, and neither a timer nor a request of it keeps the process alive.

import { monotonicMs } from '../async/clock.ts'
import { DeadlineTimer } from '../async/deadline-timer.ts'
import { timeoutError, type WaitLimits } from '../async/wait.ts'
import { Waiters } from '../async/waiters.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { ClosedError, ConfigError, UnsupportedVersionError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Metric } from '../metrics/metric.ts'
import type { Connection } from '../network/connection.ts'
import type { Api } from '../protocol/api.ts'
import { brokerError, errorCodes } from '../protocol/error-codes.ts'
import {
  type GetTelemetrySubscriptionsResponse,
  getTelemetrySubscriptions,
} from '../protocol/messages/get-telemetry-subscriptions.ts'
import { pushTelemetry } from '../protocol/messages/push-telemetry.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { compressPayload } from './compress-payload.ts'
import { encodeMetricsData } from './otlp.ts'
import { Readings } from './readings.ts'
import { telemetryVerdict } from './telemetry-errors.ts'

/** The client whose metrics are pushed. */
export interface TelemetrySource {
  readonly cluster: Cluster
  readMetrics(): readonly Metric[]
  /** Attributes of everything that is pushed, such as `group_id`. Those without a value are left out. */
  resource(): Readonly<Record<string, string | null | undefined>>
}

const CALL = 'clientInstanceId()'
/** What Java's client waits where the broker has not said otherwise. */
const DEFAULT_INTERVAL_MS = 300_000
/** The first records go first. */
const FIRST_REQUEST_AFTER_MS = 100
/** How long close() waits for the last push. */
const LAST_PUSH_MS = 1000

export class ClientTelemetry {
  private readonly source: TelemetrySource
  private readonly isEnabled: boolean
  private readonly readings = new Readings()
  private readonly timer = new DeadlineTimer(() => this.run())
  private readonly waiters = new Waiters<string>()
  private readonly abort = new AbortController()
  private readonly stopListening: () => void
  /** What the cluster wants; null: it has not said. */
  private subscription: GetTelemetrySubscriptionsResponse | null = null
  /** Whether a push is next, or the question what to push. */
  private isPushNext = false
  /** By `monotonicMs()`; null: there has been no connection to a broker that takes metrics. */
  private dueAt: number | null = null
  private isWorking = false
  /** The brokers have refused for good. */
  private isOff = false
  /** The last request was made at once because of an error: the next one waits. */
  private wasHurried = false
  /** The last broker that was sent to: it knows this client. */
  private nodeId: number | null = null
  /** By id. */
  private readonly refusedCompressions = new Set<number>()
  private wasTooLarge = false

  constructor(source: TelemetrySource, isEnabled: boolean) {
    this.source = source
    this.isEnabled = isEnabled
    this.stopListening = source.cluster.onConnection(({ connection }) => {
      if (!isEnabled || connection === null || !takesMetrics(connection)) return
      this.dueAt ??= monotonicMs() + FIRST_REQUEST_AFTER_MS
      this.run()
    })
  }

  /**
   * The id by which the brokers know this client.
   * @throws {ConfigError} with `enableMetricsPush: false`
   * @throws {UnsupportedVersionError} when no broker takes metrics of clients
   * @throws {TimeoutError} when no broker has responded in time
   */
  async clientInstanceId(limits: WaitLimits): Promise<string> {
    if (!this.isEnabled) {
      throw new ConfigError(`${CALL} needs option 'enableMetricsPush': set it to true`)
    }
    const { cluster } = this.source
    const { timeoutMs, signal } = limits
    signal?.throwIfAborted()
    const deadline = monotonicMs() + timeoutMs
    if (this.subscription === null) {
      await cluster.refresh({ timeoutMs, ...(signal !== undefined && { signal }), what: CALL })
      const ready = [...cluster.readyConnections()]
      if (this.isOff || (ready.length > 0 && !ready.some(takesMetrics))) {
        throw new UnsupportedVersionError(
          `${CALL} failed: the brokers take no metrics of clients. They do since Kafka 3.7, with a metrics reporter that implements ClientTelemetry (KIP-714)`,
        )
      }
    }
    this.abort.signal.throwIfAborted()
    if (this.subscription !== null) return this.subscription.clientInstanceId
    const wait = this.waiters.wait({
      timeoutMs: Math.max(0, deadline - monotonicMs()),
      signal,
      onTimeout: () => timeoutError(CALL, timeoutMs),
    })
    this.dueAt = 0
    this.run()
    return wait
  }

  /** Pushes for the last time, for at most a second, and not once `limit` has aborted. */
  async close(limit: AbortSignal): Promise<void> {
    if (this.abort.signal.aborted) return
    this.timer.stop()
    this.stopListening()
    const reason = new ClosedError('The client was closed')
    this.waiters.rejectAll(reason)
    this.abort.abort(reason)
    if (!this.isPushNext || this.isOff || limit.aborted) return
    const deadline = monotonicMs() + LAST_PUSH_MS
    try {
      const connection = await this.openConnection(deadline, limit)
      if (connection === null) return
      const timeoutMs = deadline - monotonicMs()
      await this.push(connection, true, { timeoutMs, signal: limit, isBackground: false })
    } catch (error) {
      this.logger.debug('the last push of client metrics failed', { error })
    }
  }

  /** Does what is due, if a broker can be asked. */
  private run(): void {
    const { dueAt } = this
    if (dueAt === null || this.isOff || this.isWorking || this.abort.signal.aborted) return
    if (dueAt > monotonicMs()) {
      this.timer.arm(dueAt)
      return
    }
    // Without one, the next connection that becomes ready runs this.
    const connection = this.readyConnection()
    if (connection === null) return
    this.isWorking = true
    void this.request(connection).finally(() => {
      this.isWorking = false
      this.run()
    })
  }

  private async request(connection: Connection): Promise<void> {
    const { requestTimeoutMs } = this.source.cluster.options
    const limits = { timeoutMs: requestTimeoutMs, signal: this.abort.signal, isBackground: true }
    this.nodeId = connection.nodeId
    try {
      if (this.isPushNext) await this.push(connection, false, limits)
      else await this.subscribe(connection, limits)
    } catch (error) {
      if (this.abort.signal.aborted) return
      this.wait(this.intervalMs)
      this.logger.debug('a request for client metrics failed', { error })
    }
  }

  private async subscribe(connection: Connection, limits: SendLimits): Promise<void> {
    const clientInstanceId = this.subscription?.clientInstanceId ?? ZERO_UUID
    const response = await send(connection, getTelemetrySubscriptions, { clientInstanceId }, limits)
    if (response.errorCode !== 0) {
      this.refused(response.errorCode, getTelemetrySubscriptions.name)
      return
    }
    this.subscription = response
    this.isPushNext = response.requestedMetrics.length > 0
    // Clients that were started together do not push together.
    const jitter = this.isPushNext ? 0.5 + Math.random() : 1
    this.wait(this.intervalMs * jitter)
    this.waiters.resolveAll(response.clientInstanceId)
    const { subscriptionId, requestedMetrics } = response
    this.logger.debug('the brokers have said which client metrics they want', {
      clientInstanceId: response.clientInstanceId,
      subscriptionId,
      requestedMetrics,
      pushIntervalMs: this.intervalMs,
    })
  }

  private async push(
    connection: Connection,
    terminating: boolean,
    limits: SendLimits,
  ): Promise<void> {
    const { subscription } = this
    if (subscription === null) return
    const { clientInstanceId, subscriptionId, acceptedCompressionTypes } = subscription
    const taken = this.payload(subscription)
    this.wait(this.intervalMs)
    if (taken === null) return
    const accepted = acceptedCompressionTypes.filter((id) => !this.refusedCompressions.has(id))
    const { id: compressionType, data: metrics } = await compressPayload(taken.payload, accepted)
    const body = { clientInstanceId, subscriptionId, terminating, compressionType, metrics }
    const { errorCode } = await send(connection, pushTelemetry, body, limits)
    if (errorCode === 0) {
      taken.accept()
      this.wasHurried = false
      this.wait(this.intervalMs)
      return
    }
    this.refused(errorCode, pushTelemetry.name)
    if (errorCode === errorCodes.UNSUPPORTED_COMPRESSION_TYPE) {
      this.refusedCompressions.add(compressionType)
    }
  }

  /** The metrics of this moment, within what the broker takes; null if not even the most general ones are. */
  private payload(
    subscription: GetTelemetrySubscriptionsResponse,
  ): { payload: Buffer; accept: () => void } | null {
    const { requestedMetrics, deltaTemporality, telemetryMaxBytes } = subscription
    const all = this.source.readMetrics()
    const resource = Object.fromEntries(
      Object.entries(this.source.resource()).filter(([, value]) => value),
    ) as Record<string, string>
    // Of partitions, topics and brokers there may be thousands.
    const general = all.filter(({ tags }) => Object.keys(tags).length <= 1)
    for (const metrics of [all, general]) {
      const taken = this.readings.take(metrics, requestedMetrics, resource, deltaTemporality)
      const payload = encodeMetricsData(taken.reading)
      if (payload.length <= telemetryMaxBytes) return { payload, accept: taken.accept }
      if (this.wasTooLarge) continue
      this.wasTooLarge = true
      this.logger.warn(
        `The client metrics that the brokers ask for are ${payload.length} bytes, and telemetry.max.bytes is ${telemetryMaxBytes}: those of topics, partitions and brokers are left out`,
      )
    }
    return null
  }

  private get intervalMs(): number {
    const ms = this.subscription?.pushIntervalMs ?? 0
    return ms > 0 ? ms : DEFAULT_INTERVAL_MS
  }

  private get logger(): Logger {
    return this.source.cluster.options.logger
  }

  private wait(ms: number): void {
    this.dueAt = monotonicMs() + Math.round(ms)
  }

  /** The broker responded with an error: whatever comes next begins with the question what to push. */
  private refused(errorCode: number, api: string): void {
    const error = brokerError(errorCode, api)
    this.isPushNext = false
    const verdict = telemetryVerdict(errorCode)
    if (verdict === 'off') {
      this.isOff = true
      this.waiters.rejectAll(error)
      this.logger.warn('The brokers refuse the metrics of this client: none are pushed', { error })
      return
    }
    this.wait(verdict === 'now' && !this.wasHurried ? 0 : this.intervalMs)
    this.wasHurried = verdict === 'now'
    this.logger.debug('a request for client metrics was refused', { error })
  }

  /** The connection for requests that records do not wait behind; null: one is being opened, or must be. */
  private readyConnection(): Connection | null {
    const { cluster } = this.source
    const taking = [...cluster.readyConnections()].filter(takesMetrics)
    const general = taking.filter(({ options }) => options.kind === 'general')
    const known = general.find(({ nodeId }) => nodeId === this.nodeId)
    if (known !== undefined || general.length > 0) return known ?? general[0]
    if (taking.length > 0) cluster.readyConnection(taking[0].nodeId, 'general')
    return null
  }

  /** As `readyConnection`, and waits for one that is being opened. */
  private async openConnection(deadline: number, signal: AbortSignal): Promise<Connection | null> {
    const ready = this.readyConnection()
    if (ready !== null) return ready
    const { cluster } = this.source
    const taking = [...cluster.readyConnections()].find(takesMetrics)
    if (taking === undefined) return null
    const timeoutMs = deadline - monotonicMs()
    return await cluster.connection(taking.nodeId, 'general', { timeoutMs, signal })
  }
}

interface SendLimits {
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly isBackground: boolean
}

function takesMetrics(connection: Connection): boolean {
  return connection.versionRange(getTelemetrySubscriptions) !== undefined
}

/** @throws {UnsupportedVersionError}, and what a connection throws */
async function send<Q, A>(
  connection: Connection,
  api: Api<Q, A>,
  body: Q,
  limits: SendLimits,
): Promise<A> {
  return await connection.send(api, connection.version(api), body, limits)
}
