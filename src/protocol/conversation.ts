// What two processes say to each other over one connection: requests one way, responses the other. A
// response does not name its API, so the conversation remembers each request by its correlation id; and
// after a SaslHandshake v0 the frames are bare SASL messages until the login is done.

import { DecodeError, InvalidArgumentError } from '../errors.ts'
import type { AnyApi } from './api.ts'
import {
  decodeFrame,
  identifyRequest,
  type RequestFrame,
  type RequestIdentity,
  type ResponseFrame,
} from './frame.ts'
import { produce } from './messages/produce.ts'
import { saslHandshake } from './messages/sasl-handshake.ts'
import { checkedBytes, invalidValue } from './value-error.ts'

/** A message of SASL itself, in a frame without header (SaslHandshake v0). */
export interface SaslFrame {
  readonly type: 'sasl'
  readonly mechanism: string
  body: Buffer
}

/** A frame that could not be decoded; the conversation continues behind it. */
export interface UnreadableFrame {
  readonly type: 'unreadable'
  readonly error: DecodeError
}

/** One frame of a conversation, with its bytes as they came, size included. */
export type Exchange = (RequestFrame | ResponseFrame | SaslFrame | UnreadableFrame) & {
  readonly from: 'client' | 'server'
  readonly raw: Buffer
  /** The request that a response belongs to, without its body. */
  readonly request?: RequestIdentity & { readonly correlationId: number }
}

export interface ConversationOptions {
  /**
   * The greatest size of a frame, in bytes.
   * @defaultValue 100 MiB, the default of brokers (`socket.request.max.bytes`)
   */
  maxFrameBytes?: number
  /**
   * The most requests without a response. A client that has more is not remembered further.
   * @defaultValue 10,000
   */
  maxInFlight?: number
}

interface Pending extends RequestIdentity {
  readonly correlationId: number
  readonly mechanism: string
}

/** How many messages a client sends in a login. Of other mechanisms it is found out frame by frame. */
const clientMessages: Record<string, number> = {
  PLAIN: 1,
  'SCRAM-SHA-256': 2,
  'SCRAM-SHA-512': 2,
  OAUTHBEARER: 1,
}

/**
 * Both directions of one connection. Give it the bytes as they come, in any pieces.
 *
 * ```ts
 * const conversation = new Conversation()
 * client.on('data', (bytes) => {
 *   for (const frame of conversation.fromClient(bytes)) server.write(frame.raw)
 * })
 * ```
 */
export class Conversation {
  private readonly client: FrameBuffer
  private readonly server: FrameBuffer
  private readonly maxInFlight: number
  private readonly pending = new Map<number, Pending[]>()
  private pendingCount = 0
  /** The mechanism of a login by bare frames, and how many of them are still to come. */
  private sasl: { mechanism: string; fromClient: number; fromServer: number } | null = null

  /** @throws {InvalidArgumentError} for an unknown option, or one that is not a positive integer */
  constructor(options: ConversationOptions = {}) {
    const { maxFrameBytes, maxInFlight } = checkedOptions(options)
    this.client = new FrameBuffer(maxFrameBytes)
    this.server = new FrameBuffer(maxFrameBytes)
    this.maxInFlight = maxInFlight
  }

  /** Requests whose response has not come. */
  get inFlight(): number {
    return this.pendingCount
  }

  /** Bytes that are not a whole frame yet. */
  get incompleteBytes(): { client: number; server: number } {
    return { client: this.client.length, server: this.server.length }
  }

  /**
   * Takes bytes that the client sent, and returns the frames that are whole with them.
   * @throws {DecodeError} when a size cannot be that of a frame: nothing can be read after that
   */
  fromClient(bytes: Buffer): Exchange[] {
    return this.client.push(checkedBytes('bytes', bytes)).map((raw) => this.clientFrame(raw))
  }

  /**
   * Takes bytes that the server sent, and returns the frames that are whole with them.
   * @throws {DecodeError} when a size cannot be that of a frame: nothing can be read after that
   */
  fromServer(bytes: Buffer): Exchange[] {
    return this.server.push(checkedBytes('bytes', bytes)).map((raw) => this.serverFrame(raw))
  }

  /** Whether a request with this correlation id has no response yet. */
  isInFlight(correlationId: number): boolean {
    return this.pending.has(correlationId)
  }

  /** Drops the bytes of a frame that is not whole: after a gap, or when a size could not be one. */
  dropIncomplete(from: 'client' | 'server'): void {
    if (from === 'client') this.client.clear()
    else this.server.clear()
  }

  private clientFrame(raw: Buffer): Exchange {
    const { sasl } = this
    if (sasl !== null) {
      if (isSaslMessage(sasl.mechanism, sasl.fromClient, raw)) {
        sasl.fromClient--
        sasl.fromServer++
        return {
          type: 'sasl',
          mechanism: sasl.mechanism,
          body: raw.subarray(4),
          from: 'client',
          raw,
        }
      }
      this.sasl = null
    }
    const frame = attempt(() => decodeFrame(raw))
    // What it responds to is known even where the body cannot be read.
    const identity = frame instanceof DecodeError ? identifyRequest(raw) : frame
    if (!(identity instanceof DecodeError)) this.remember(identity, frame, raw.readInt32BE(8))
    if (frame instanceof DecodeError)
      return { type: 'unreadable', error: frame, from: 'client', raw }
    return { ...frame, from: 'client', raw }
  }

  private serverFrame(raw: Buffer): Exchange {
    const { sasl } = this
    if (sasl !== null && sasl.fromServer > 0) {
      sasl.fromServer--
      return { type: 'sasl', mechanism: sasl.mechanism, body: raw.subarray(4), from: 'server', raw }
    }
    const request = raw.length >= 8 ? this.forget(raw.readInt32BE(4)) : undefined
    if (request === undefined) {
      const error = new DecodeError(
        raw.length < 8
          ? `a response of ${raw.length - 4} bytes is too short for its header`
          : `no request without a response has the correlation id ${raw.readInt32BE(4)}`,
        { api: 'frame', position: 4 },
      )
      return { type: 'unreadable', error, from: 'server', raw }
    }
    const { api, version, correlationId } = request
    const of = { api, version, correlationId }
    const frame = attempt(() => decodeFrame(raw, request))
    if (frame instanceof DecodeError) {
      return { type: 'unreadable', error: frame, from: 'server', raw, request: of }
    }
    this.followHandshake(request, frame)
    return { ...frame, from: 'server', raw, request: of }
  }

  private remember(
    { api, version }: RequestIdentity,
    frame: RequestFrame | DecodeError,
    correlationId: number,
  ): void {
    if (this.pendingCount >= this.maxInFlight) return
    const body: unknown = frame instanceof DecodeError ? null : frame.body
    // A broker sends no response to a Produce request with acks 0.
    if (api.key === produce.key && field(body, 'acks') === 0) return
    const mechanism = api.key === saslHandshake.key ? String(field(body, 'mechanism')) : ''
    const known = this.pending.get(correlationId)
    const request = { api, version, correlationId, mechanism }
    if (known === undefined) this.pending.set(correlationId, [request])
    else known.push(request)
    this.pendingCount++
  }

  private forget(correlationId: number): Pending | undefined {
    const known = this.pending.get(correlationId)
    const request = known?.shift()
    if (known?.length === 0) this.pending.delete(correlationId)
    if (request !== undefined) this.pendingCount--
    return request
  }

  /** From a handshake of version 0 on, frames are bare until the login is done. */
  private followHandshake(request: Pending, frame: ResponseFrame): void {
    if (!isHandshakeV0(request.api, request.version)) return
    if (field(frame.body, 'errorCode') !== 0) return
    const { mechanism } = request
    this.sasl = {
      mechanism,
      fromClient: clientMessages[mechanism] ?? Number.POSITIVE_INFINITY,
      fromServer: 0,
    }
  }
}

const defaults: Required<ConversationOptions> = {
  maxFrameBytes: 100 * 1024 * 1024,
  maxInFlight: 10_000,
}

function checkedOptions(options: ConversationOptions): Required<ConversationOptions> {
  if (options === null || typeof options !== 'object') {
    throw invalidValue('options', 'an object', options)
  }
  const all = { ...defaults }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaults, name)) {
      throw new InvalidArgumentError(
        `new Conversation() failed: unknown option "${name}". It takes ${Object.keys(defaults).join(', ')}`,
      )
    }
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || value < 1)
      throw invalidValue(name, 'a positive integer', value)
    Reflect.set(all, name, value)
  }
  return all
}

function isHandshakeV0(api: AnyApi, version: number): boolean {
  return api.key === saslHandshake.key && version === 0
}

function isSaslMessage(mechanism: string, expected: number, raw: Buffer): boolean {
  if (mechanism in clientMessages) return expected > 0
  // How many messages GSSAPI takes depends on the server: what reads as a request is one.
  if (identifyRequest(raw) instanceof DecodeError) return true
  return attempt(() => decodeFrame(raw)) instanceof DecodeError
}

function field(body: unknown, name: string): unknown {
  return body === null || typeof body !== 'object' ? undefined : Reflect.get(body, name)
}

function attempt<T>(decode: () => T): T | DecodeError {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

/** Bytes in, whole frames out, size included. A frame of SASL may be empty. */
class FrameBuffer {
  private readonly maxFrameBytes: number
  private chunks: Buffer[] = []
  /** Bytes in `chunks`. */
  length = 0

  constructor(maxFrameBytes: number) {
    this.maxFrameBytes = maxFrameBytes
  }

  clear(): void {
    this.chunks = []
    this.length = 0
  }

  push(bytes: Buffer): Buffer[] {
    // A copy: the caller may use its buffer again.
    this.chunks.push(Buffer.from(bytes))
    this.length += bytes.length
    const frames: Buffer[] = []
    let needed = this.frameSize()
    while (needed !== null && this.length >= needed) {
      const all = this.joined()
      frames.push(all.subarray(0, needed))
      this.chunks = [all.subarray(needed)]
      this.length -= needed
      needed = this.frameSize()
    }
    return frames
  }

  /** Bytes of the frame that comes next; null while its size is not there. */
  private frameSize(): number | null {
    if (this.length < 4) return null
    if (this.chunks[0].length < 4) this.joined()
    const size = this.chunks[0].readInt32BE(0)
    if (size >= 0 && size <= this.maxFrameBytes) return 4 + size
    throw new DecodeError(
      `a frame of ${size} bytes: expected 0 to ${this.maxFrameBytes} (maxFrameBytes). This is not the start of a frame of Kafka, or maxFrameBytes is too low`,
      { api: 'frame', position: 0 },
    )
  }

  private joined(): Buffer {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks, this.length)]
    return this.chunks[0]
  }
}
