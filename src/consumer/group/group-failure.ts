// What an exception means for a group member: whether the same request may succeed later. No I/O.

import {
  AuthenticationError,
  BrokerError,
  ConfigError,
  KafkaError,
  UnsupportedVersionError,
} from '../../errors.ts'
import { memberAction } from './classic-error-table.ts'

export type GroupFailure =
  /** A broker was not reached, or responded with something that may pass. */
  | 'passing'
  /** The brokers refuse this user: it may be allowed again while the consumer runs. */
  | 'refused'
  /** No repetition can help; or it is a mistake in this client, which a repetition would hide. */
  | 'fatal'

export function groupFailure(error: unknown): GroupFailure {
  if (error instanceof AuthenticationError) return 'refused'
  if (error instanceof BrokerError) {
    // Thrown by the look-up of the coordinator: the codes that are fatal there are so for a join.
    return memberAction('join', error.errorCode) === 'fatal' ? 'fatal' : 'passing'
  }
  if (error instanceof UnsupportedVersionError || error instanceof ConfigError) return 'fatal'
  return error instanceof KafkaError ? 'passing' : 'fatal'
}
