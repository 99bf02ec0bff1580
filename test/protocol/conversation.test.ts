// Both directions of a connection: which request a response belongs to, whatever the pieces in which the
// bytes come, bare SASL frames included. What cannot be read does not stop the rest.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import type { AnyApi } from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { Conversation, type Exchange } from '../../src/protocol/conversation.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { saslHandshake } from '../../src/protocol/messages/sasl-handshake.ts'

function request(api: AnyApi, version: number, correlationId: number, fields: object = {}): Buffer {
  const header = { correlationId, clientId: 'me' }
  return encodeFrame({ type: 'request', api, version, header, body: api.request(fields) })
}

function response(
  api: AnyApi,
  version: number,
  correlationId: number,
  fields: object = {},
): Buffer {
  const header = { correlationId }
  return encodeFrame({ type: 'response', api, version, header, body: api.response(fields) })
}

function bare(text: string): Buffer {
  const bytes = Buffer.from(`0000${text}`)
  bytes.writeInt32BE(text.length, 0)
  return bytes
}

const names = (frames: Exchange[]): string[] =>
  frames.map((frame) =>
    'api' in frame ? `${frame.api.name} ${frame.type} v${frame.version}` : frame.type,
  )

test('responses are decoded as what their requests ask for, in any order', () => {
  const talk = new Conversation()
  const sent = Buffer.concat([request(metadata, 12, 1), request(apiVersions, 3, 2)])
  expect(names(talk.fromClient(sent))).toEqual(['Metadata request v12', 'ApiVersions request v3'])
  expect(talk.inFlight).toBe(2)
  const received = talk.fromServer(
    Buffer.concat([response(apiVersions, 3, 2), response(metadata, 12, 1)]),
  )
  expect(names(received)).toEqual(['ApiVersions response v3', 'Metadata response v12'])
  expect(received[1].request).toEqual({ api: metadata, version: 12, correlationId: 1 })
  expect(talk.inFlight).toBe(0)
})

test('every API and version goes through, in pieces of any size, and comes out as it came', () => {
  const client: Buffer[] = []
  const server: Buffer[] = []
  let id = 0
  for (const api of apis) {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      if (api === saslHandshake && version === 0) continue
      id++
      client.push(request(api, version, id, api === produce ? { acks: 1 } : {}))
      server.push(response(api, version, id))
    }
  }
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }), (sizes) => {
      const talk = new Conversation()
      const asked = inPieces(Buffer.concat(client), sizes, (bytes) => talk.fromClient(bytes))
      const answered = inPieces(Buffer.concat(server), sizes, (bytes) => talk.fromServer(bytes))
      for (const frames of [asked, answered]) {
        expect(frames).toHaveLength(client.length)
        for (const frame of frames) {
          if (frame.type !== 'request' && frame.type !== 'response') throw new Error(frame.type)
          expect(encodeFrame(frame).equals(frame.raw)).toBe(true)
        }
      }
      expect(talk.inFlight).toBe(0)
      expect(talk.incompleteBytes).toEqual({ client: 0, server: 0 })
    }),
    { numRuns: 5 },
  )
})

function inPieces(bytes: Buffer, sizes: number[], give: (piece: Buffer) => Exchange[]): Exchange[] {
  const frames: Exchange[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]
    // One buffer for all pieces, as a socket may have it.
    const piece = Buffer.from(bytes.subarray(at, at + size))
    frames.push(...give(piece))
    piece.fill(0xff)
    at += size
  }
  return frames
}

test('a Produce request with acks 0 has no response', () => {
  const talk = new Conversation()
  talk.fromClient(Buffer.concat([request(produce, 9, 1, { acks: 0 }), request(metadata, 9, 2)]))
  expect(talk.inFlight).toBe(1)
  expect(names(talk.fromServer(response(metadata, 9, 2)))).toEqual(['Metadata response v9'])
})

test('a correlation id that is used again belongs to the earlier request first', () => {
  const talk = new Conversation()
  talk.fromClient(Buffer.concat([request(metadata, 9, 1), request(apiVersions, 3, 1)]))
  const received = talk.fromServer(
    Buffer.concat([response(metadata, 9, 1), response(apiVersions, 3, 1)]),
  )
  expect(names(received)).toEqual(['Metadata response v9', 'ApiVersions response v3'])
})

describe('a login by bare frames', () => {
  test.each([
    ['PLAIN', 1, 1],
    ['SCRAM-SHA-256', 2, 2],
    ['SCRAM-SHA-512', 2, 2],
    ['OAUTHBEARER', 1, 1],
    ['GSSAPI', 3, 3],
  ])('of %s is followed, and Kafka again behind it', (mechanism, fromClient, fromServer) => {
    const talk = new Conversation()
    talk.fromClient(request(saslHandshake, 0, 1, { mechanism }))
    talk.fromServer(response(saslHandshake, 0, 1, { mechanisms: [mechanism] }))
    for (let turn = 0; turn < Math.max(fromClient, fromServer); turn++) {
      const [asked] = talk.fromClient(bare(`token ${turn}`))
      expect(asked).toMatchObject({ type: 'sasl', mechanism, body: Buffer.from(`token ${turn}`) })
      const [answered] = talk.fromServer(bare(turn === 0 ? '' : 'reply'))
      expect(answered).toMatchObject({ type: 'sasl', mechanism })
    }
    expect(names(talk.fromClient(request(metadata, 9, 2)))).toEqual(['Metadata request v9'])
    expect(names(talk.fromServer(response(metadata, 9, 2)))).toEqual(['Metadata response v9'])
  })

  test('does not begin when the handshake is refused, or is of version 1', () => {
    for (const [version, errorCode] of [
      [0, 33],
      [1, 0],
    ]) {
      const talk = new Conversation()
      talk.fromClient(request(saslHandshake, version, 1, { mechanism: 'PLAIN' }))
      talk.fromServer(response(saslHandshake, version, 1, { errorCode }))
      expect(names(talk.fromClient(request(metadata, 9, 2)))).toEqual(['Metadata request v9'])
    }
  })
})

describe('what cannot be read', () => {
  test('is given as it came, and what follows is read', () => {
    const talk = new Conversation()
    const unknown = Buffer.from('0000000a0fff000000000001ffff', 'hex')
    const cut = request(metadata, 12, 5)
    cut.writeUInt8(99, cut.length - 5)
    const frames = talk.fromClient(Buffer.concat([unknown, cut, request(metadata, 12, 6)]))
    expect(names(frames)).toEqual(['unreadable', 'unreadable', 'Metadata request v12'])
    expect(frames[0]).toMatchObject({ raw: unknown, error: expect.any(DecodeError) })
    // The API of the second is known, so its response can be read.
    expect(names(talk.fromServer(response(metadata, 12, 5)))).toEqual(['Metadata response v12'])
  })

  test('is a response that no request belongs to', () => {
    const talk = new Conversation()
    const [frame] = talk.fromServer(response(metadata, 12, 7))
    expect(frame).toMatchObject({ type: 'unreadable' })
    expect('error' in frame && frame.error.message).toMatch('has the correlation id 7')
    const [short] = talk.fromServer(bare('ab'))
    expect('error' in short && short.error.message).toMatch('too short')
  })

  test('ends the conversation when a size cannot be one', () => {
    for (const hex of ['ffffffff', '7fffffff']) {
      expect(() => new Conversation().fromClient(Buffer.from(hex, 'hex'))).toThrow(DecodeError)
      expect(() => new Conversation().fromServer(Buffer.from(hex, 'hex'))).toThrow(DecodeError)
    }
    const small = new Conversation({ maxFrameBytes: 10 })
    expect(() => small.fromClient(request(metadata, 9, 1))).toThrow('expected 0 to 10')
  })

  test('takes no more memory than the limits say', () => {
    const talk = new Conversation({ maxInFlight: 10 })
    for (let id = 0; id < 100; id++) talk.fromClient(request(metadata, 9, id))
    expect(talk.inFlight).toBe(10)
  })
})
