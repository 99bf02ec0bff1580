// The options that consumers and share consumers have in common: their defaults and checks, once.

import { ConfigError } from '../errors.ts'
import {
  boolean,
  duration,
  integer,
  type OptionSpec,
  text,
  wireDuration,
} from '../options/option-table.ts'
import type { Deserializer } from '../types.ts'

export const readingOptions: {
  readonly defaultApiTimeoutMs: OptionSpec<number>
  readonly fetchMinBytes: OptionSpec<number>
  readonly fetchMaxWaitMs: OptionSpec<number>
  readonly fetchMaxBytes: OptionSpec<number>
  readonly checkCrcs: OptionSpec<boolean>
  readonly maxDecompressedBytes: OptionSpec<number>
  readonly clientRack: OptionSpec<string | null>
  readonly allowAutoCreateTopics: OptionSpec<boolean>
  readonly keyDeserializer: OptionSpec<Deserializer<unknown> | null>
  readonly valueDeserializer: OptionSpec<Deserializer<unknown> | null>
  readonly enableMetricsPush: OptionSpec<boolean>
} = {
  defaultApiTimeoutMs: duration(60_000, 1),
  fetchMinBytes: integer(1, 0, 2_147_483_647),
  fetchMaxWaitMs: wireDuration(500),
  fetchMaxBytes: integer(50 * 1024 * 1024, 1, 2_147_483_647),
  checkCrcs: boolean(true),
  maxDecompressedBytes: integer(512 * 1024 * 1024, 1),
  clientRack: text(null),
  allowAutoCreateTopics: boolean(true),
  keyDeserializer: { default: null, check: checkDeserializer },
  valueDeserializer: { default: null, check: checkDeserializer },
  enableMetricsPush: boolean(true),
}

/**
 * A response holds `fetchMaxBytes` of records and some room for what is around them.
 * @param owner names the call, such as `kafka.consumer()`
 */
export function checkResponseSize(
  owner: string,
  { fetchMaxBytes }: { readonly fetchMaxBytes: number },
  { maxResponseSize }: { readonly maxResponseSize: number },
): void {
  if (maxResponseSize >= fetchMaxBytes + 1024 * 1024) return
  throw new ConfigError(
    `${owner}: option 'fetchMaxBytes' (${fetchMaxBytes}) must be below maxResponseSize (${maxResponseSize}) by 1 MiB`,
  )
}

export function isDeserializer(value: unknown): value is Deserializer<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'deserialize') === 'function'
  )
}

function checkDeserializer(
  value: unknown,
  fail: (expected: string) => never,
): Deserializer<unknown> {
  return isDeserializer(value) ? value : fail('an object with a deserialize(bytes, topic) method')
}
