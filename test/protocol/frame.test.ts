// Whole frames: those that Apache Kafka's own classes made come back byte for byte, as objects and
// through JSON; what is not a frame is refused with its position.

import { describe, expect, test } from 'vitest'
import { DecodeError, InvalidArgumentError, UnsupportedVersionError } from '../../src/errors.ts'
import { apiByName } from '../../src/protocol/apis.ts'
import { decodeFrame, encodeFrame, type Frame } from '../../src/protocol/frame.ts'
import { fromJson, type Json, toJson } from '../../src/protocol/json.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { setUnknownTags } from '../../src/protocol/unknown-tags.ts'
import { loadVectors } from '../vectors/load.ts'
import { difference } from './vector-json.ts'

interface Line {
  api: string
  type: 'request' | 'response'
  version: number
  requestVersion?: number
  header: Record<string, unknown>
  json: Record<string, unknown>
  hex: string
}

const lines = loadVectors<Line>('frames')

function decode(line: Line, bytes: Buffer = Buffer.from(line.hex, 'hex')): Frame {
  const api = apiByName(line.api)
  if (api === undefined) throw new Error(`no codec for ${line.api}`)
  const request = { api, version: line.requestVersion === undefined ? line.version : 4 }
  return decodeFrame(bytes, line.type === 'request' ? null : request)
}

test('every frame of Java is decoded, and encoded to the same bytes', () => {
  expect(lines.length).toBeGreaterThan(500)
  for (const line of lines) {
    const where = `${line.api} ${line.type} v${line.version}`
    const frame = decode(line)
    expect(frame.version, where).toBe(line.version)
    expect(difference(frame.header, line.header), where).toBe(null)
    expect(difference(frame.body, line.json), where).toBe(null)
    expect(frame.rest, where).toHaveLength(0)
    expect(encodeFrame(frame).toString('hex'), where).toBe(line.hex)
  }
})

test('every frame survives JSON', () => {
  for (const line of lines) {
    const frame = decode(line)
    const text = JSON.stringify(toJson(frame.body))
    const body = fromJson(JSON.parse(text) as Json)
    expect(encodeFrame({ ...frame, body }).toString('hex')).toBe(line.hex)
  }
})

test('bytes behind the body are kept', () => {
  const bytes = Buffer.concat([Buffer.from(lines[0].hex, 'hex'), Buffer.from('more')])
  bytes.writeInt32BE(bytes.length - 4, 0)
  const frame = decode(lines[0], bytes)
  expect(frame.rest.toString()).toBe('more')
  expect(encodeFrame(frame).equals(bytes)).toBe(true)
})

test('tagged fields of headers and bodies are kept', () => {
  const header = setUnknownTags({ correlationId: 7, clientId: 'me' }, [
    { tag: 1, data: Buffer.from('h') },
  ])
  const body = setUnknownTags(heartbeat.request({ groupId: 'g' }), [
    { tag: 2, data: Buffer.from('b') },
  ])
  const bytes = encodeFrame({ type: 'request', api: heartbeat, version: 4, header, body })
  expect(encodeFrame(decodeFrame(bytes)).equals(bytes)).toBe(true)
  expect(bytes.toString('latin1')).toContain('h')
})

test('a response of version 0 to an ApiVersions request of an unknown version is seen as such', () => {
  const response = apiVersions.response({ errorCode: 35 })
  const bytes = encodeFrame({
    type: 'response',
    api: apiVersions,
    version: 0,
    header: { correlationId: 1 },
    body: response,
  })
  const frame = decodeFrame(bytes, { api: apiVersions, version: 4 })
  expect(frame).toMatchObject({ version: 0, body: { errorCode: 35 } })
})

describe('what is not one whole frame is refused', () => {
  const good = Buffer.from(lines.find(({ type }) => type === 'request')?.hex ?? '', 'hex')
  const sized = (bytes: number[]): Buffer => {
    const frame = Buffer.from([0, 0, 0, bytes.length, ...bytes])
    return frame
  }

  test.each([
    [Buffer.alloc(0), '0 bytes are too short'],
    [Buffer.alloc(3), '3 bytes are too short for a frame'],
    [good.subarray(0, -1), `its size says ${good.length - 4} bytes, and ${good.length - 5} follow`],
    [Buffer.concat([good, good]), 'follow'],
    [sized([0, 3, 0, 0]), 'too short for a request header'],
    [sized([0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]), 'no API has the key 4095. If this is a response'],
    [sized([0, 3, 0, 99, 0, 0, 0, 0, 0, 0]), 'Metadata v99 is not known'],
    [sized([0, 3, 0xff, 0xff, 0, 0, 0, 0, 0, 0]), 'Metadata v-1 is not known'],
  ])('%#', (bytes, message) => {
    expect(() => decodeFrame(bytes)).toThrow(DecodeError)
    expect(() => decodeFrame(bytes)).toThrow(message)
  })

  test('by name, when it is an argument', () => {
    expect(() => decodeFrame('x' as never)).toThrow(InvalidArgumentError)
    expect(() => decodeFrame(good, { api: heartbeat, version: 99 })).toThrow(
      UnsupportedVersionError,
    )
    const frame = { ...decodeFrame(good), type: 'other' }
    expect(() => encodeFrame(frame as never)).toThrow("must be 'request' or 'response'")
  })
})

describe('JSON', () => {
  test('has each kind of value', () => {
    const value = {
      int64: -(2n ** 63n),
      bytes: Buffer.from([0, 255]),
      view: new Uint8Array([1]),
      numbers: [0, -0, Number.NaN, Number.NEGATIVE_INFINITY, 0.1],
      text: 'é\u0000',
      nothing: null,
      flag: false,
      list: [[], {}],
    }
    const json = toJson(value)
    expect(json).toMatchObject({
      int64: { $int64: '-9223372036854775808' },
      bytes: { $bytes: 'AP8=' },
      numbers: [0, { $number: '-0' }, { $number: 'NaN' }, { $number: '-Infinity' }, 0.1],
    })
    const back = fromJson(JSON.parse(JSON.stringify(json)) as Json)
    expect(back).toEqual({ ...value, view: Buffer.from([1]) })
  })

  test.each([
    [() => toJson({ a: { b: undefined } }), 'a.b is not valid'],
    [() => toJson([() => {}]), '[0] is not valid'],
    [() => toJson(new Date()), 'value is not valid'],
    [() => toJson({ $int64: '5' }), 'the key "$int64"'],
    [() => fromJson({ a: { $int64: 'x' } }), 'a.$int64 is not valid: expected an integer'],
    [() => fromJson({ a: { $int64: 5 } }), 'a.$int64 is not valid: expected a string'],
    [() => fromJson({ a: [{ $bytes: '*' }] }), 'a[0].$bytes is not valid: expected base64'],
    [() => fromJson({ $number: '5' }), "json.$number is not valid: expected '-0'"],
    [() => fromJson({ $other: '5' }), 'json has the key "$other"'],
    [() => fromJson({ $tags: 5, a: 1 }), '$tags is not valid: expected an array'],
    [() => fromJson({ a: 1, $tags: [{ tag: -1, data: '' }] }), '$tags[0].tag is not valid'],
    [() => fromJson(5n as never), 'json is not valid'],
    [() => fromJson(JSON.parse('{"__proto__": {}}') as Json), '__proto__'],
  ])('of another form is refused by its place', (run, message) => {
    expect(run).toThrow(InvalidArgumentError)
    expect(run).toThrow(message)
  })
})
