// Every message type in every version: cut before each byte, and with each byte changed, a message is read
// or refused by a DecodeError that says where. What was read goes through JSON and back without loss.

import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import {
  type AnyApi,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { fromJson, type Json, toJson } from '../../src/protocol/json.ts'
import { type FieldRow, fieldRows, type MessageLine, messageLines } from './fields.ts'

/** Where errors may be: the fields of a message, and the elements of its arrays. */
const placesOf = new Map<string, Set<string>>()
for (const row of fieldRows) {
  const places = placesOf.get(messageOf(row)) ?? new Set()
  placesOf.set(messageOf(row), places)
  places.add(row.path)
  if (row.kind.startsWith('[]')) places.add(`${row.path}[]`)
}

function messageOf({ api, type }: FieldRow | MessageLine): string {
  return `${api} ${type}`
}

const decodeOf = { request: decodeRequest, response: decodeResponse }
const encodeOf = { request: encodeRequest, response: encodeResponse }

/** The messages of an API with random content, one for each version and direction. */
function samplesOf(api: AnyApi): MessageLine[] {
  const seen = new Set<string>()
  return messageLines.filter((line) => {
    const name = `${line.type} v${line.version}`
    if (line.api !== api.name || line.kind !== 'random' || seen.has(name)) return false
    seen.add(name)
    return true
  })
}

/** Reads `bytes`, which begin at `start` of what is read; null: they were read. */
function refusal(api: AnyApi, line: MessageLine, bytes: Buffer, start: number): DecodeError | null {
  try {
    decodeOf[line.type](api, line.version, bytes, start)
    return null
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw new Error(`${messageOf(line)} v${line.version}: ${bytes.toString('hex')}`, {
      cause: error,
    })
  }
}

/** Why the error does not say where; null when it does. */
function vagueness(error: DecodeError, api: AnyApi, line: MessageLine, end: number): string | null {
  const { position, field, message } = error
  if (error.api !== api.name || error.version !== line.version) return 'API or version'
  if (position < OFFSET || position > end) return `position ${position} of ${OFFSET} to ${end}`
  if (!message.includes(`(byte ${position})`) || !message.endsWith(field)) return 'its text'
  // The tag section that ends the message belongs to no field.
  if (field === '') return line.version >= api.flexibleFrom ? null : 'no field'
  const place = field.replaceAll(/\[\d+\]/g, '[]')
  return placesOf.get(messageOf(line))?.has(place) ? null : `field ${field}`
}

/** Bytes before each message: positions count from the start of the buffer. */
const OFFSET = 3
/** Places tried in one message: all of a short one, as many as this of a long one, evenly spread. */
const PLACES = 150

function* placesIn(length: number): Generator<number> {
  const step = Math.max(1, (length - OFFSET) / PLACES)
  for (let at = OFFSET; at < length; at += step) yield Math.floor(at)
}

describe.each(apis.map((api) => [api.name, api] as const))('%s', (_, api) => {
  test('an error names a field of the message and a byte of the input', () => {
    const vague: string[] = []
    let named = 0
    for (const line of samplesOf(api)) {
      const bytes = Buffer.concat([Buffer.alloc(OFFSET), Buffer.from(line.hex, 'hex')])
      const where = `${messageOf(line)} v${line.version}`
      const judge = (what: string, error: DecodeError | null, end: number): void => {
        const problem = error === null ? null : vagueness(error, api, line, end)
        if (problem !== null) vague.push(`${where} ${what}: ${problem}: ${error?.message}`)
        if (error !== null && error.field !== '') named++
      }
      for (const at of placesIn(bytes.length)) {
        const cut = refusal(api, line, bytes.subarray(0, at), OFFSET)
        if (cut === null) vague.push(`${where} cut at ${at} was read`)
        else judge(`cut at ${at}`, cut, at)
        bytes[at] ^= 0xff
        judge(`changed at ${at}`, refusal(api, line, bytes, OFFSET), bytes.length)
        bytes[at] ^= 0xff
      }
    }
    expect(vague).toEqual([])
    if (samplesOf(api).some(({ json }) => Object.keys(json).length > 0)) {
      expect(named).toBeGreaterThan(0)
    }
  })

  test('JSON keeps everything', () => {
    for (const line of messageLines) {
      if (line.api !== api.name || !['random', 'unknownTags'].includes(line.kind)) continue
      const bytes = Buffer.from(line.hex, 'hex')
      const { message } = decodeOf[line.type](api, line.version, bytes)
      const text = JSON.stringify(toJson(message))
      const again = fromJson(JSON.parse(text) as Json)
      const where = `${messageOf(line)} v${line.version} ${line.kind}`
      expect(again, where).toStrictEqual(message)
      expect(encodeOf[line.type](api, line.version, again).equals(bytes), where).toBe(true)
    }
  })
})
