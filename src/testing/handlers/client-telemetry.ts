// GetTelemetrySubscriptions and PushTelemetry: metrics that clients push (KIP-714).

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
} from '../../protocol/messages/get-telemetry-subscriptions.ts'
import type {
  PushTelemetryRequest,
  PushTelemetryResponse,
} from '../../protocol/messages/push-telemetry.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import { TELEMETRY_MAX_BYTES } from '../client-telemetry.ts'
import type { RequestContext } from '../handler.ts'

/** zstd, lz4, gzip, snappy: Kafka's order. */
const ACCEPTED = [4, 3, 1, 2]

export function handleGetTelemetrySubscriptions(
  context: RequestContext,
  { clientInstanceId }: GetTelemetrySubscriptionsRequest,
): GetTelemetrySubscriptionsResponse {
  const { clientTelemetry } = context.state
  const outcome =
    clientTelemetry?.subscribe(context, clientInstanceId) ?? errorCodes.UNSUPPORTED_VERSION
  if (typeof outcome === 'number') {
    return {
      throttleTimeMs: 0,
      errorCode: outcome,
      clientInstanceId: ZERO_UUID,
      subscriptionId: 0,
      acceptedCompressionTypes: [],
      pushIntervalMs: 0,
      telemetryMaxBytes: 0,
      deltaTemporality: false,
      requestedMetrics: [],
    }
  }
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    clientInstanceId: outcome.clientInstanceId,
    subscriptionId: outcome.subscriptionId,
    acceptedCompressionTypes: ACCEPTED,
    pushIntervalMs: outcome.pushIntervalMs,
    telemetryMaxBytes: TELEMETRY_MAX_BYTES,
    deltaTemporality: true,
    requestedMetrics: [...outcome.metrics],
  }
}

export function handlePushTelemetry(
  context: RequestContext,
  request: PushTelemetryRequest,
): PushTelemetryResponse {
  const { clientTelemetry } = context.state
  const errorCode = clientTelemetry?.push(context, request) ?? errorCodes.UNSUPPORTED_VERSION
  return { throttleTimeMs: 0, errorCode }
}
