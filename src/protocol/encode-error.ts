// Finds the field whose value could not be encoded, after the fact: the message is encoded once more
// through proxies that note what is read. Encoding that succeeds pays nothing for it.

import { describeValue, InvalidArgumentError, KafkaError } from '../errors.ts'
import { InvalidValueError } from './value-error.ts'
import { type MessageContext, Writer } from './writer.ts'

/** Encodes a message by `encode`; values that do not fit are refused by the path of their field. */
export function encodeMessage<T>(
  w: Writer,
  api: MessageContext,
  kind: 'request' | 'response' | '',
  message: T,
  encode: (w: Writer, message: T) => void,
): void {
  try {
    w.struct(message, encode)
  } catch (error) {
    throw namedError(w.version, api, kind, message, encode, error)
  }
}

function namedError<T>(
  version: number,
  api: MessageContext,
  kind: string,
  message: T,
  encode: (w: Writer, message: T) => void,
  error: unknown,
): unknown {
  // A version that has no place for a field is named by the codec itself.
  if (error instanceof KafkaError && !(error instanceof InvalidValueError)) return error
  const name = `${api.name} v${version}${kind === '' ? '' : ` ${kind}`}`
  if (message === null || typeof message !== 'object') {
    return new InvalidValueError(name, 'an object', message, { cause: error })
  }
  const reads: Read[] = []
  try {
    encode(new Writer(api, version), recording(message, '', reads))
  } catch {
    // It fails as it did before.
  }
  const last = reads.at(-1)
  // The fields of what is not a struct are undefined, or cannot be read at all.
  const isStructMissing =
    last !== undefined &&
    (last.value === null || typeof last.value !== 'object') &&
    (error instanceof InvalidValueError
      ? error.value === undefined && last.value !== undefined
      : error instanceof TypeError)
  if (isStructMissing) {
    return new InvalidValueError(`${name}: ${last.path}`, 'an object', last.value, { cause: error })
  }
  if (error instanceof InvalidValueError) {
    const { value, expected } = error
    const read = reads.findLast((each) => Object.is(each.value, value))
    if (read === undefined) return error
    return new InvalidValueError(`${name}: ${read.path}`, expected, value, { cause: error })
  }
  return new InvalidArgumentError(`${name} cannot be encoded: ${describeError(error)}`, {
    cause: error,
  })
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : describeValue(error)
}

interface Read {
  path: string
  value: unknown
}

/** The most reads that are kept: a codec reads a field shortly before it writes it. */
const KEPT_READS = 64

function recording<T extends object>(target: T, path: string, reads: Read[]): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key)
      if (typeof key === 'symbol' || (Array.isArray(object) && !/^\d+$/.test(key))) return value
      const step = Array.isArray(object) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
      reads.push({ path: step, value })
      if (reads.length > 2 * KEPT_READS) reads.splice(0, KEPT_READS)
      if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
      return recording(value, step, reads)
    },
  })
}
