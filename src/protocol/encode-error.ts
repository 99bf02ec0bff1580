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
  const attempt: Attempt = (note, replaced) => {
    const again = new Writer(api, version)
    let count = 0
    const noteAll = (read: Read): void => {
      count++
      note(read)
    }
    try {
      encode(again, recording(message, '', { note: noteAll, replaced }))
      return { error: undefined, size: again.size, reads: count }
    } catch (caught) {
      return { error: caught, size: again.size, reads: count }
    }
  }
  const reads: Read[] = []
  const failure = attempt((read) => noteRead(reads, read))
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
    const path = culprit(reads, value, failure, attempt)
    if (path === undefined) return error
    return new InvalidValueError(`${name}: ${path}`, expected, value, { cause: error })
  }
  return new InvalidArgumentError(`${name} cannot be encoded: ${describeError(error)}`, {
    cause: error,
  })
}

/** Encodes the message again, perhaps with a field that is read as another value, which fits nowhere. */
type Attempt = (note: (read: Read) => void, replaced?: Read) => Outcome

/** Why encoding ended, how many bytes were written before, and how many fields were read. */
interface Outcome {
  readonly error: unknown
  readonly size: number
  readonly reads: number
}

interface Watch {
  readonly note: (read: Read) => void
  readonly replaced?: Read
}

/**
 * The path at which the value was read that could not be written. Several fields may hold it: then each
 * is replaced in turn, and the field is the one that is now refused at the same place.
 */
function culprit(
  reads: readonly Read[],
  value: unknown,
  failure: Outcome,
  attempt: Attempt,
): string | undefined {
  const paths = new Set(
    reads.filter((read) => Object.is(read.value, value)).map(({ path }) => path),
  )
  const candidates = [...paths].reverse()
  if (candidates.length < 2) return candidates[0]
  const atSamePlace: string[] = []
  for (const path of candidates) {
    const replacement = Symbol(path)
    const outcome = attempt(() => {}, { path, value: replacement })
    const isRefused =
      outcome.error instanceof InvalidValueError && outcome.error.value === replacement
    if (!isRefused || outcome.size !== failure.size) continue
    if (outcome.reads === failure.reads) return path
    // What is in a tagged field is written apart: its bytes do not count yet.
    atSamePlace.push(path)
  }
  return atSamePlace[0] ?? candidates[0]
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : describeValue(error)
}

interface Read {
  readonly path: string
  readonly value: unknown
}

/** The most reads that are kept: a codec reads a field shortly before it writes it. */
const KEPT_READS = 64

function noteRead(reads: Read[], read: Read): void {
  reads.push(read)
  if (reads.length > 2 * KEPT_READS) reads.splice(0, KEPT_READS)
}

function recording<T extends object>(target: T, path: string, watch: Watch): T {
  return new Proxy(target, {
    get(object, key) {
      const own: unknown = Reflect.get(object, key)
      if (typeof key === 'symbol' || (Array.isArray(object) && !/^\d+$/.test(key))) return own
      const step = Array.isArray(object) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
      const value = watch.replaced?.path === step ? watch.replaced.value : own
      watch.note({ path: step, value })
      if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
      return recording(value, step, watch)
    },
  })
}
