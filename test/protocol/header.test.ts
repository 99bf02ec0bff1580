// Headers and whole frames against bytes that Apache Kafka's own classes wrote: which header version an
// API takes, the size in front, and that ApiVersions alone is answered with the oldest header.

import { describe, expect, test } from 'vitest'
import { UnsupportedVersionError } from '../../src/errors.ts'
import {
  type AnyApi,
  decodeRequest,
  decodeResponse,
  encodeRequest,
} from '../../src/protocol/api.ts'
import { apiByName } from '../../src/protocol/apis.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequestFrame,
  encodeRequestHeader,
  encodeResponseFrame,
  encodeResponseHeader,
  type RequestHeader,
  type ResponseHeader,
  requestHeaderReader,
  requestHeaderVersion,
  responseHeaderReader,
  responseHeaderVersion,
} from '../../src/protocol/header.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { loadVectors } from '../vectors/load.ts'
import { difference } from './vector-json.ts'

interface HeaderLine {
  header: 'RequestHeader' | 'ResponseHeader'
  version: number
  json: RequestHeader & ResponseHeader
  hex: string
  plainHex?: string
}

interface FrameLine {
  api: string
  type: 'request' | 'response'
  version: number
  headerVersion: number
  header: RequestHeader & ResponseHeader
  json: Record<string, unknown>
  hex: string
  case?: string
}

const frames = loadVectors<FrameLine>('frames')

function api(name: string): AnyApi {
  const found = apiByName(name)
  if (found === undefined) throw new Error(`no codec for ${name}`)
  return found
}

describe('headers', () => {
  const lines = loadVectors<HeaderLine>('headers')
  const written = {
    RequestHeader: { name: 'RequestHeader', flexibleFrom: 2 },
    ResponseHeader: { name: 'ResponseHeader', flexibleFrom: 1 },
  }

  test('are read and written as Java does', () => {
    for (const { header, version, json, hex, plainHex } of lines) {
      const bytes = Buffer.from(hex, 'hex')
      const isRequest = header === 'RequestHeader'
      const r = isRequest
        ? requestHeaderReader(version, bytes)
        : responseHeaderReader(version, bytes)
      const decoded = isRequest ? decodeRequestHeader(r) : decodeResponseHeader(r)
      expect(decoded).toEqual(json)
      expect(r.remaining).toBe(0)
      const w = new Writer(written[header], version)
      if (isRequest) encodeRequestHeader(w, json)
      else encodeResponseHeader(w, json)
      expect(w.finishToBuffer().toString('hex')).toBe(plainHex ?? hex)
      const again = new Writer(written[header], version)
      if (isRequest) again.struct(decoded as RequestHeader, encodeRequestHeader)
      else again.struct(decoded, encodeResponseHeader)
      expect(again.finishToBuffer().toString('hex')).toBe(hex)
    }
  })

  test('name themselves where they are cut short', () => {
    const cut = Buffer.from('0012000300', 'hex')
    expect(() => decodeRequestHeader(requestHeaderReader(2, cut))).toThrow(
      'RequestHeader v2: int32 needs 4 bytes, 1 are left (byte 4)',
    )
    expect(() => decodeResponseHeader(responseHeaderReader(0, cut.subarray(0, 3)))).toThrow(
      'ResponseHeader v0',
    )
  })
})

describe('frames', () => {
  test('are read as Java wrote them', () => {
    for (const { api: name, type, version, headerVersion, header, json, hex } of frames) {
      const where = `${name} ${type} v${version}`
      const bytes = Buffer.from(hex, 'hex')
      expect(bytes.readInt32BE(0), where).toBe(bytes.length - 4)
      const content = bytes.subarray(4)
      const of = api(name)
      const isRequest = type === 'request'
      expect(
        isRequest ? requestHeaderVersion(of, version) : responseHeaderVersion(of, version),
        where,
      ).toBe(headerVersion)
      const r = isRequest
        ? requestHeaderReader(headerVersion, content)
        : responseHeaderReader(headerVersion, content)
      expect(isRequest ? decodeRequestHeader(r) : decodeResponseHeader(r), where).toEqual(header)
      const decode = isRequest ? decodeRequest : decodeResponse
      const { message, bytesLeft } = decode<unknown, unknown>(of, version, content, r.offset)
      expect(difference(message, json), where).toBe(null)
      expect(bytesLeft, where).toBe(0)
    }
  })

  test('are written as Java wrote them', () => {
    for (const { api: name, type, version, header, hex } of frames) {
      const content = Buffer.from(hex, 'hex').subarray(4)
      const of = api(name)
      const isRequest = type === 'request'
      const start = isRequest
        ? sizeOfRequestHeader(header, requestHeaderVersion(of, version))
        : responseHeaderVersion(of, version) + 4
      const decode = isRequest ? decodeRequest : decodeResponse
      const { message } = decode<unknown, unknown>(of, version, content, start)
      const chunks = isRequest
        ? encodeRequestFrame(of, version, header.correlationId, header.clientId, message)
        : encodeResponseFrame(of, version, header.correlationId, message)
      expect(Buffer.concat(chunks).toString('hex'), `${name} ${type} v${version}`).toBe(hex)
    }
  })

  test('a broker answers an unknown ApiVersions version in v0, with error 35 and the range it has', () => {
    const line = frames.find((frame) => frame.case === 'unsupportedVersionFallback')
    expect(line).toBeDefined()
    const content = Buffer.from(line?.hex ?? '', 'hex').subarray(4)
    const r = responseHeaderReader(responseHeaderVersion(apiVersions, 4), content)
    expect(decodeResponseHeader(r).correlationId).toBe(line?.header.correlationId)
    const { message, bytesLeft } = decodeResponse(apiVersions, 0, content, r.offset)
    expect(message.errorCode).toBe(35)
    expect(message.apiKeys.find((it) => it.apiKey === apiVersions.key)).toBeDefined()
    expect(bytesLeft).toBe(0)
  })

  test('carry large records by reference, behind the size of the whole frame', () => {
    const records = Buffer.alloc(100_000, 7)
    const topicData = [
      {
        name: 'orders',
        topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
        partitionData: [
          { index: 0, records },
          { index: 1, records: Buffer.from('few') },
        ],
      },
    ]
    const request = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
    const chunks = encodeRequestFrame(produce, 9, 1, 'me', request)
    expect(chunks.length).toBe(3)
    expect(chunks[1].buffer).toBe(records.buffer)
    const whole = Buffer.concat(chunks)
    expect(whole.readInt32BE(0)).toBe(whole.length - 4)
    const body = encodeRequest(produce, 9, request)
    expect(whole.subarray(-body.length).equals(body)).toBe(true)
  })

  test('are not made of a version that the API lacks', () => {
    const response = { errorCode: 0, apiKeys: [], throttleTimeMs: 0 }
    for (const version of [-1, 6, 1.5, Number.NaN]) {
      expect(() => encodeResponseFrame(api('ApiVersions'), version, 1, response)).toThrow(
        UnsupportedVersionError,
      )
      expect(() => encodeRequestFrame(api('ApiVersions'), version, 1, null, {})).toThrow(
        `ApiVersions v${version} is not known: versions 0 to 5 are`,
      )
    }
  })
})

function sizeOfRequestHeader(header: RequestHeader, version: number): number {
  const w = new Writer({ name: 'RequestHeader', flexibleFrom: 2 }, version)
  encodeRequestHeader(w, header)
  return w.size
}
