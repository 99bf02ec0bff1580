// Bytes from a broken or hostile peer: every vector cut at each byte, with each byte flipped, and with
// the greatest length put at each byte. The outcome is a message, or a DecodeError that names API,
// version and position; never another error, a hang, or memory that a length claimed and no byte backs.

import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import { type AnyApi, decodeRequest, decodeResponse } from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { type MessageLine, messageLines } from './fields.ts'

/** Places tried in one vector: all of a short one, as many as this of a long one, evenly spread. */
const PLACES = 16
const GREATEST_LENGTHS = ['7fffffff', 'ffffffff0f', '7fff', 'ffff01'].map((hex) =>
  Buffer.from(hex, 'hex'),
)

function outcome(api: AnyApi, line: MessageLine, bytes: Buffer): DecodeError | 'message' {
  const decode = line.type === 'request' ? decodeRequest : decodeResponse
  try {
    decode(api, line.version, bytes)
    return 'message'
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    const { message, position } = error
    const isWellFormed =
      error.api === api.name &&
      error.version === line.version &&
      position >= 0 &&
      position <= bytes.length &&
      message.startsWith(`${api.name} v${line.version}: `) &&
      message.includes(`(byte ${position})`) &&
      message.endsWith(error.field)
    if (!isWellFormed) throw new Error(`not well-formed: ${message}`, { cause: error })
    return error
  }
}

function* places(length: number): Generator<number> {
  const step = Math.max(1, length / PLACES)
  for (let at = 0; at < length; at += step) yield Math.floor(at)
}

/** Runs `attack` and says on which bytes, where it throws what it should not. */
function attempt(line: MessageLine, bytes: Buffer, attack: () => void): void {
  try {
    attack()
  } catch (cause) {
    const where = `${line.api} ${line.type} v${line.version}`
    throw new Error(`${where}: ${bytes.toString('hex')}`, { cause })
  }
}

describe.each(apis.map((api) => [api.name, api] as const))('%s', (name, api) => {
  const lines = messageLines.filter((line) => line.api === name)

  test('a cut message is refused', () => {
    for (const line of lines) {
      const whole = Buffer.from(line.hex, 'hex')
      for (const length of places(whole.length)) {
        const cut = whole.subarray(0, length)
        attempt(line, cut, () => expect(outcome(api, line, cut)).toBeInstanceOf(DecodeError))
      }
    }
  })

  test('a flipped byte gives a message or is refused', () => {
    for (const line of lines) {
      const bytes = Buffer.from(line.hex, 'hex')
      for (const at of places(bytes.length)) {
        const flip = 1 << (at % 8)
        for (const mask of [0xff, flip]) {
          bytes[at] ^= mask
          attempt(line, bytes, () => outcome(api, line, bytes))
          bytes[at] ^= mask
        }
      }
    }
  })

  test('a length that no byte backs is refused, not allocated', () => {
    const before = process.resourceUsage().maxRSS
    for (const line of lines.filter((line) => line.kind === 'random')) {
      const whole = Buffer.from(line.hex, 'hex')
      for (const at of places(whole.length)) {
        for (const length of GREATEST_LENGTHS) {
          const bytes = Buffer.from(whole)
          length.copy(bytes, at)
          attempt(line, bytes, () => outcome(api, line, bytes))
        }
      }
    }
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200_000) // kilobytes
  })
})
