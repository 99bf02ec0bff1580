// What an API of the protocol is, which version of it two sides share, and how a whole message of it
// is turned into bytes and back.

import { DecodeError, UnsupportedVersionError } from '../errors.ts'
import { findFailingField } from './decode-error-field.ts'
import { encodeMessage } from './encode-error.ts'
import { type Fields, MessageTemplate } from './message-defaults.ts'
import { Reader } from './reader.ts'
import { checkedBytes, invalidValue } from './value-error.ts'
import { type MessageContext, Writer } from './writer.ts'

/** One API: its key, its versions, and the four functions that know its bytes. */
export interface Api<Request, Response> {
  /** The key that stands in a request header. */
  readonly key: number
  readonly name: string
  readonly minVersion: number
  /** The greatest version that brokers offer without being told to. */
  readonly maxVersion: number
  /** First version with compact lengths and tagged fields (KIP-482); Infinity: never. */
  readonly flexibleFrom: number
  /** A version above `maxVersion` that exists, but is offered only when a broker is told to. */
  readonly latestUnstable?: number
  readonly encodeRequest: (w: Writer, request: Request) => void
  readonly decodeRequest: (r: Reader) => Request
  readonly encodeResponse: (w: Writer, response: Response) => void
  readonly decodeResponse: (r: Reader) => Response
  /**
   * A request with these fields, and Kafka's defaults in place of all others.
   * @throws {InvalidArgumentError} when the request has no such field
   */
  readonly request: (fields?: Fields<Request>) => Request
  /**
   * A response with these fields, and Kafka's defaults in place of all others.
   * @throws {InvalidArgumentError} when the response has no such field
   */
  readonly response: (fields?: Fields<Response>) => Response
}

/** An API as its file states it: messages with defaults follow from the decoders. */
export function defineApi<Request, Response>(
  api: Omit<Api<Request, Response>, 'request' | 'response'>,
): Api<Request, Response> {
  const requests = new MessageTemplate(api, 'request', api.decodeRequest)
  const responses = new MessageTemplate(api, 'response', api.decodeResponse)
  return {
    ...api,
    request: (fields = {} as Fields<Request>) => requests.fill(fields) as Request,
    response: (fields = {} as Fields<Response>) => responses.fill(fields) as Response,
  }
}

/** An API whose message types are not known here. */
// biome-ignore lint/suspicious/noExplicitAny: both a source and a sink of its messages, so only `any` fits
export type AnyApi = Api<any, any>

/** The versions of an API that one side speaks, both ends included. */
export interface VersionRange {
  minVersion: number
  maxVersion: number
}

/**
 * The greatest version that both sides speak.
 * @param most a bound of the caller's own, below the API's greatest version
 * @throws UnsupportedVersionError naming both ranges where they do not meet
 */
export function chooseVersion(
  api: AnyApi,
  broker: VersionRange | undefined,
  most: number = api.maxVersion,
): number {
  if (broker === undefined || broker === null) {
    throw new UnsupportedVersionError(`the broker does not offer ${api.name} (API ${api.key})`)
  }
  const version = Math.min(most, api.maxVersion, broker.maxVersion)
  if (version < api.minVersion || version < broker.minVersion) {
    throw new UnsupportedVersionError(
      `no common version of ${api.name}: this client can use ${api.minVersion} to ${Math.min(most, api.maxVersion)}, the broker offers ${broker.minVersion} to ${broker.maxVersion}`,
    )
  }
  return version
}

/**
 * The body of a request as one buffer.
 * @throws {InvalidArgumentError} naming API, version and field when a value does not fit its type
 * @throws {UnsupportedVersionError} when the version does not exist, or has no place for a field that
 * is not at its default
 */
export function encodeRequest<Q, A>(api: Api<Q, A>, version: number, request: Q): Buffer {
  const w = new Writer(api, checkVersion(api, version))
  encodeMessage(w, api, 'request', request, api.encodeRequest)
  return w.finishToBuffer()
}

/**
 * The body of a response as one buffer.
 * @throws {InvalidArgumentError} naming API, version and field when a value does not fit its type
 * @throws {UnsupportedVersionError} when the version does not exist, or has no place for a field that
 * is not at its default
 */
export function encodeResponse<Q, A>(api: Api<Q, A>, version: number, response: A): Buffer {
  const w = new Writer(api, checkVersion(api, version))
  encodeMessage(w, api, 'response', response, api.encodeResponse)
  return w.finishToBuffer()
}

/** What is read, and how many bytes behind it were not (a newer peer may append). */
export interface Decoded<T> {
  message: T
  bytesLeft: number
}

/**
 * Reads the body of a request that starts at byte `start` of `buffer`.
 * @throws DecodeError naming API, version, field and position
 */
export function decodeRequest<Q, A>(
  api: Api<Q, A>,
  version: number,
  buffer: Buffer,
  start = 0,
): Decoded<Q> {
  checkVersion(api, version)
  const bytes = checkedBytes('buffer', buffer)
  checkStart(bytes, start)
  return decodeStruct(api, version, bytes, start, api.decodeRequest)
}

/**
 * Reads the body of a response that starts at byte `start` of `buffer`.
 * @throws DecodeError naming API, version, field and position
 */
export function decodeResponse<Q, A>(
  api: Api<Q, A>,
  version: number,
  buffer: Buffer,
  start = 0,
): Decoded<A> {
  checkVersion(api, version)
  const bytes = checkedBytes('buffer', buffer)
  checkStart(bytes, start)
  return decodeStruct(api, version, bytes, start, api.decodeResponse)
}

/**
 * Reads a message, or another struct of the protocol, that starts at byte `start` of `buffer`.
 * @throws DecodeError naming the struct, its version, field and position
 */
export function decodeStruct<T>(
  api: MessageContext,
  version: number,
  buffer: Buffer,
  start: number,
  read: (r: Reader) => T,
): Decoded<T> {
  const r = new Reader(api, version, buffer, start)
  try {
    const message = r.struct(read)
    return { message, bytesLeft: r.remaining }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const field = findFailingField(
      new Reader(api, version, buffer, start, true),
      read,
      r.failedElements,
    )
    throw new DecodeError(field === '' ? error.message : `${error.message} in ${field}`, {
      api: api.name,
      version,
      position: error.position,
      field,
      cause: error,
    })
  }
}

function checkStart(bytes: Buffer, start: number): void {
  if (Number.isInteger(start) && start >= 0 && start <= bytes.length) return
  throw invalidValue('start', `the index of a byte (0 to ${bytes.length})`, start)
}

/** Gives `version` back if the API has it; else UnsupportedVersionError. */
export function checkVersion(api: AnyApi, version: number): number {
  if (typeof api?.decodeRequest !== 'function') {
    throw invalidValue('api', "an API, such as metadata or apiByName('Metadata')", api)
  }
  const most = api.latestUnstable ?? api.maxVersion
  if (Number.isInteger(version) && version >= api.minVersion && version <= most) return version
  throw new UnsupportedVersionError(
    `${api.name} v${version} is not known: versions ${api.minVersion} to ${most} are`,
  )
}
