// Metrics that clients push (KIP-714): who is asked for what, and which pushes are taken, as Kafka's
// ClientMetricsManager decides it.

import { errorCodes } from '../protocol/error-codes.ts'
import type { PushTelemetryRequest } from '../protocol/messages/push-telemetry.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { randomUuid } from './random-uuid.ts'

/** What a client has pushed, as a metrics reporter that implements ClientTelemetry is given it. */
export interface ClientTelemetryPush {
  readonly clientId: string | null
  readonly clientInstanceId: string
  /** Whether it is the client's last one. */
  readonly terminating: boolean
  /** As in record batches. */
  readonly compressionType: number
  /** OpenTelemetry's `MetricsData` in Protobuf, compressed. */
  readonly metrics: Buffer
}

/** A client as subscriptions know it. */
interface Client {
  readonly clientId: string | null
  readonly clientHost: string
}

export interface Subscription {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  readonly pushIntervalMs: number
  readonly metrics: readonly string[]
}

interface Instance {
  lastGetAt: number
  lastPushAt: number
  lastError: number
  isTerminating: boolean
}

const DEFAULT_INTERVAL_MS = 300_000
/** Kafka's `telemetry.max.bytes`. */
export const TELEMETRY_MAX_BYTES = 1_048_576

export class ClientTelemetry {
  private readonly configs: ReadonlyMap<string, ReadonlyMap<string, string>>
  private readonly now: () => number
  private readonly receive: (push: ClientTelemetryPush) => void
  private readonly instances = new Map<string, Instance>()

  /** @param configs of the subscriptions, by name */
  constructor(
    configs: ReadonlyMap<string, ReadonlyMap<string, string>>,
    now: () => number,
    receive: (push: ClientTelemetryPush) => void,
  ) {
    this.configs = configs
    this.now = now
    this.receive = receive
  }

  /** The error code of a request that came too early, or what the client is to push. */
  subscribe(client: Client, givenId: string): Subscription | number {
    const id = givenId === ZERO_UUID ? randomUuid() : givenId
    const instance = this.instance(id)
    const subscription = this.subscriptionOf(client, id)
    const now = this.now()
    const isEarly =
      now - Math.max(instance.lastGetAt, instance.lastPushAt) < subscription.pushIntervalMs
    const { UNKNOWN_SUBSCRIPTION_ID, UNSUPPORTED_COMPRESSION_TYPE } = errorCodes
    const mayRepeat = [UNKNOWN_SUBSCRIPTION_ID, UNSUPPORTED_COMPRESSION_TYPE].includes(
      instance.lastError as never,
    )
    if (isEarly && !mayRepeat) return errorCodes.THROTTLING_QUOTA_EXCEEDED
    instance.lastGetAt = now
    instance.lastError = 0
    return subscription
  }

  /** Takes a push. @returns its error code */
  push(client: Client, request: PushTelemetryRequest): number {
    const { clientInstanceId, terminating, compressionType, metrics } = request
    if (clientInstanceId === ZERO_UUID) return errorCodes.INVALID_REQUEST
    const instance = this.instance(clientInstanceId)
    const error = this.problemOf(client, instance, request)
    instance.isTerminating = terminating
    instance.lastError = error
    if (error !== 0) return error
    instance.lastPushAt = this.now()
    if (metrics.length === 0) return 0
    const { clientId } = client
    this.receive({ clientId, clientInstanceId, terminating, compressionType, metrics })
    return 0
  }

  private problemOf(client: Client, instance: Instance, request: PushTelemetryRequest): number {
    const { pushIntervalMs, subscriptionId } = this.subscriptionOf(client, request.clientInstanceId)
    if (instance.isTerminating) return errorCodes.INVALID_REQUEST
    const isFirst = instance.lastGetAt > instance.lastPushAt
    const isEarly = !isFirst && this.now() - instance.lastPushAt < pushIntervalMs
    if (isEarly && !request.terminating) return errorCodes.THROTTLING_QUOTA_EXCEEDED
    if (request.subscriptionId !== subscriptionId) return errorCodes.UNKNOWN_SUBSCRIPTION_ID
    if (request.compressionType < 0 || request.compressionType > 4) {
      return errorCodes.UNSUPPORTED_COMPRESSION_TYPE
    }
    return request.metrics.length > TELEMETRY_MAX_BYTES ? errorCodes.TELEMETRY_TOO_LARGE : 0
  }

  private instance(id: string): Instance {
    let instance = this.instances.get(id)
    if (instance === undefined) {
      const never = Number.NEGATIVE_INFINITY
      instance = { lastGetAt: never, lastPushAt: never, lastError: 0, isTerminating: false }
      this.instances.set(id, instance)
    }
    return instance
  }

  /** All subscriptions that match the client, as one. */
  private subscriptionOf(client: Client, clientInstanceId: string): Subscription {
    let pushIntervalMs = DEFAULT_INTERVAL_MS
    const wanted = new Set<string>()
    for (const config of this.configs.values()) {
      if (!matches(config.get('match') ?? '', client, clientInstanceId)) continue
      for (const name of (config.get('metrics') ?? '').split(',')) if (name !== '') wanted.add(name)
      pushIntervalMs = Math.min(
        pushIntervalMs,
        Number(config.get('interval.ms') ?? DEFAULT_INTERVAL_MS),
      )
    }
    const metrics = wanted.has('*') ? ['*'] : [...wanted].sort()
    const subscriptionId = hashOf(`${metrics.join()} ${pushIntervalMs} ${clientInstanceId}`)
    return { clientInstanceId, subscriptionId, pushIntervalMs, metrics }
  }
}

/** What a subscription may match. */
const matchable: readonly string[] = [
  'client_id',
  'client_instance_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

/** The part of a `match` that a broker refuses; null when it accepts all of them. */
export function findIllegalPattern(match: string): string | null {
  if (match.trim() === '') return null
  for (const part of match.split(',')) {
    const [name, pattern, ...rest] = part.split('=')
    const isPattern = pattern?.trim() && rest.length === 0 && isRegExp(pattern.trim())
    if (!matchable.includes(name.trim()) || !isPattern) return part
  }
  return null
}

function isRegExp(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

/**
 * `client_id=shop.*,client_source_address=127.*`: every part must match. Of what the cluster does not know of
 * a client (its software and its port), every value matches.
 */
function matches(
  match: string,
  { clientId, clientHost }: Client,
  clientInstanceId: string,
): boolean {
  const known: Readonly<Record<string, string>> = {
    client_id: clientId ?? '',
    client_instance_id: clientInstanceId,
    client_source_address: clientHost,
  }
  return match.split(',').every((part) => {
    const [name, pattern = ''] = part.split('=')
    const value = known[name.trim()]
    return value === undefined || new RegExp(`^(?:${pattern.trim()})$`).test(value)
  })
}

function hashOf(text: string): number {
  let hash = 0
  for (const char of text) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) | 0
  return hash
}
