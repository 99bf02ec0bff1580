// What a program without types gives the functions of kafkawire/protocol: refused by an error that names the
// argument, before anything happens.

import { expect, test } from 'vitest'
import { InvalidArgumentError, UnsupportedVersionError } from '../../src/errors.ts'
import * as door from '../../src/protocol.ts'

const { metadata } = door
const header = { correlationId: 1, clientId: 'x' }
const request = door.encodeFrame({
  type: 'request',
  api: metadata,
  version: 12,
  header,
  body: metadata.request(),
})

/** Anything in place of an argument. */
// biome-ignore lint/suspicious/noExplicitAny: as a program without types has it
const any = (value: unknown): any => value

test.each<[string, () => unknown, string]>([
  ['decodeFrame of null', () => door.decodeFrame(any(null)), 'bytes is not valid'],
  ['decodeFrame, no API', () => door.decodeFrame(request, any({ version: 1 })), 'api is not valid'],
  ['decodeFrame, a name', () => door.decodeFrame(request, any({ api: 'x', version: 1 })), 'api is'],
  ['encodeFrame of null', () => door.encodeFrame(any(null)), 'frame is not valid'],
  ['encodeFrame of {}', () => door.encodeFrame(any({})), 'api is not valid'],
  [
    'encodeFrame, no header',
    () => door.encodeFrame(any({ type: 'request', api: metadata, version: 12 })),
    'header is not valid',
  ],
  [
    'encodeFrame, another type',
    () => door.encodeFrame(any({ type: 'x', api: metadata, version: 12, header })),
    "type must be 'request' or 'response'",
  ],
  [
    'encodeFrame, a rest that is text',
    () =>
      door.encodeFrame({
        ...{ type: 'response', api: metadata, version: 12, header: { correlationId: 1 } },
        ...{ body: metadata.response(), rest: any('x') },
      }),
    'rest is not valid',
  ],
  [
    'decodeRequest of text',
    () => door.decodeRequest(metadata, 12, any('x')),
    'buffer is not valid',
  ],
  ['decodeResponse of null', () => door.decodeResponse(metadata, 12, any(null)), 'buffer is not'],
  [
    'decodeRequest before',
    () => door.decodeRequest(metadata, 12, request, -1),
    'start is not valid',
  ],
  ['decodeRequest behind', () => door.decodeRequest(metadata, 12, request, 999), 'start is not'],
  ['decodeRequest between', () => door.decodeRequest(metadata, 12, request, 1.5), 'start is not'],
  ['decodeRequest, no API', () => door.decodeRequest(any(null), 12, request), 'api is not valid'],
  ['encodeResponse, no API', () => door.encodeResponse(any({}), 12, {}), 'api is not valid'],
  ['Conversation of null', () => new door.Conversation(any(null)), 'options is not valid'],
  [
    'a limit of -1',
    () => new door.Conversation({ maxFrameBytes: -1 }),
    'maxFrameBytes is not valid',
  ],
  ['a limit of text', () => new door.Conversation({ maxInFlight: any('5') }), 'maxInFlight is not'],
  ['another option', () => new door.Conversation(any({ maxFrames: 1 })), 'option "maxFrames"'],
  ['fromClient of text', () => new door.Conversation().fromClient(any('x')), 'bytes is not valid'],
  ['fromServer of null', () => new door.Conversation().fromServer(any(null)), 'bytes is not valid'],
  [
    'RecordsReader of null',
    () =>
      new door.RecordsReader(any(null), door.rawSource('t', 0), {
        checkCrcs: true,
        maxDecompressedBytes: 1,
      }),
    'records is not valid',
  ],
  ['decodeBatchHeader of null', () => door.decodeBatchHeader(any(null), 0), 'buffer is not valid'],
  ['decodeBatchHeader at -1', () => door.decodeBatchHeader(request, -1), 'position is not valid'],
  ['a marker of a type', () => door.encodeEndTransactionMarker(any('X'), 1), 'type is not valid'],
  [
    'a marker of an epoch',
    () => door.encodeEndTransactionMarker('COMMIT', 2 ** 40),
    'coordinatorEpoch is not valid: expected an int32',
  ],
  ['tags of null', () => door.setUnknownTags(any(null), []), 'struct is not valid'],
  ['tags that are no list', () => door.setUnknownTags({}, any('x')), 'tags is not valid'],
])('%s', (_, call, text) => {
  expect(call).toThrow(InvalidArgumentError)
  expect(call).toThrow(text)
})

test('a broker that offers nothing', () => {
  expect(() => door.chooseVersion(metadata, any(null))).toThrow(UnsupportedVersionError)
})

test('Uint8Arrays are bytes too', () => {
  expect(door.decodeFrame(any(new Uint8Array(request)))).toMatchObject({ type: 'request' })
  expect(new door.Conversation().fromClient(any(new Uint8Array(request)))).toHaveLength(1)
})
