// What the error code of a telemetry response means for the next request (KIP-714, "Error handling").

import { errorCodes } from '../protocol/error-codes.ts'

/** `off`: never again. `now`: asks for the subscription again at once. `later`: after the interval. */
export type TelemetryVerdict = 'off' | 'now' | 'later'

const verdicts: Readonly<Record<number, TelemetryVerdict>> = {
  [errorCodes.INVALID_REQUEST]: 'off',
  [errorCodes.INVALID_RECORD]: 'off',
  [errorCodes.UNSUPPORTED_VERSION]: 'off',
  [errorCodes.UNKNOWN_SUBSCRIPTION_ID]: 'now',
  [errorCodes.UNSUPPORTED_COMPRESSION_TYPE]: 'now',
  [errorCodes.TELEMETRY_TOO_LARGE]: 'later',
  [errorCodes.THROTTLING_QUOTA_EXCEEDED]: 'later',
}

export function telemetryVerdict(errorCode: number): TelemetryVerdict {
  return verdicts[errorCode] ?? 'later'
}
