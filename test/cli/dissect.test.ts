// The dissector against whole frames made by Apache Kafka's own classes, and its command against what a
// person at a terminal gets wrong.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Command } from 'commander'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { addDecode } from '../../src/cli/commands/decode.ts'
import { dissect, splitFrames } from '../../src/cli/dissect.ts'
import type { AnyApi } from '../../src/protocol/api.ts'
import { apiByName } from '../../src/protocol/apis.ts'
import { encodeRequestFrame } from '../../src/protocol/header.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { encodeEndTransactionMarker } from '../../src/records/control-record.ts'
import { writeCrc } from '../../src/records/record-batch.ts'
import { batch, produceTo } from '../testing/requests.ts'
import { loadVectors } from '../vectors/load.ts'

interface FrameLine {
  api: string
  type: 'request' | 'response'
  version: number
  header: Record<string, unknown>
  json: Record<string, unknown>
  hex: string
  case?: string
  requestVersion?: number
}

interface RecordLine {
  name: string
  kind: string
  hex: string
  json: { records: { control?: { type: string } }[] }
}

interface Shown {
  api: string
  type: string
  version: number
  header: Record<string, unknown>
  body: Record<string, unknown>
  bytesLeft: number
}

const frames = loadVectors<FrameLine>('frames')

function api(name: string): AnyApi {
  const found = apiByName(name)
  if (found === undefined) throw new Error(`no codec for ${name}`)
  return found
}

async function show(line: FrameLine, version: number = line.version): Promise<Shown> {
  const [frame] = splitFrames(Buffer.from(line.hex, 'hex'))
  const response = line.type === 'response' ? { api: api(line.api), version } : null
  const shown = await dissect(frame, response)
  // What is printed is JSON.
  return JSON.parse(JSON.stringify(shown)) as Shown
}

/** Where what is shown is not what the vector says; bytes are base64 in a vector, text or base64 here. */
function difference(shown: unknown, expected: unknown, path = ''): string | null {
  if (path.endsWith('.records') && Array.isArray(shown)) return null
  if (typeof expected === 'string') {
    const base64 =
      typeof shown === 'string'
        ? Buffer.from(shown).toString('base64')
        : (shown as { base64?: string } | null)?.base64
    return shown === expected || base64 === expected ? null : path
  }
  if (expected === null || typeof expected !== 'object') {
    // JSON has no -0.
    return shown === expected || (shown === 0 && expected === 0) ? null : path
  }
  if (shown === null || typeof shown !== 'object') return path
  for (const [key, value] of Object.entries(expected)) {
    const found = difference(Reflect.get(shown, key), value, `${path}.${key}`)
    if (found !== null) return found
  }
  return null
}

describe('whole frames', () => {
  test('show what Java wrote, to the last byte', async () => {
    const plain = frames.filter((line) => line.case === undefined)
    expect(plain.length).toBeGreaterThan(500)
    for (const line of plain) {
      const shown = await show(line)
      const where = `${line.api} ${line.type} v${line.version}`
      expect(shown, where).toMatchObject({
        api: line.api,
        type: line.type,
        version: line.version,
        bytesLeft: 0,
      })
      expect(difference(shown.header, line.header), where).toBe(null)
      expect(difference(shown.body, line.json), where).toBe(null)
    }
  })

  test('an answer in version 0 to ApiVersions of an unknown version is seen as such', async () => {
    const fallback = frames.filter((line) => line.case === 'unsupportedVersionFallback')
    expect(fallback).toHaveLength(1)
    const shown = await show(fallback[0], 4)
    expect(shown).toMatchObject({ version: 0, body: { errorCode: 35 }, bytesLeft: 0 })
  })

  test('several in a row are split', () => {
    const bytes = frames.slice(0, 5).map(({ hex }) => Buffer.from(hex, 'hex'))
    expect(splitFrames(Buffer.concat(bytes))).toEqual(bytes.map((one) => one.subarray(4)))
  })

  test('bytes that are no frame are refused with their place', () => {
    const [one] = frames.map(({ hex }) => Buffer.from(hex, 'hex'))
    const twice = Buffer.concat([one, one.subarray(0, -1)])
    expect(() => splitFrames(twice)).toThrow(`at byte ${one.length}: a frame of`)
    expect(() => splitFrames(Buffer.concat([one, Buffer.alloc(2)]))).toThrow('no frame starts here')
    expect(() => splitFrames(Buffer.alloc(8))).toThrow('no frame starts here')
  })

  test('a request of an unknown API may be a response', async () => {
    await expect(dissect(Buffer.from('0fff000000000000', 'hex'), null)).rejects.toThrow(
      'no API has the key 4095. If this is a response',
    )
  })
})

describe('record batches', () => {
  async function records(bytes: Buffer): Promise<Record<string, unknown>[]> {
    const frame = Buffer.concat(encodeRequestFrame(produce, 9, 1, null, produceTo('t', 0, bytes)))
    const shown = await dissect(frame.subarray(4), null)
    const { body } = JSON.parse(JSON.stringify(shown))
    return body.topicData[0].partitionData[0].records
  }

  test('are taken apart, with their attributes spelled out', async () => {
    const [shown] = await records(batch(['a', 'b'], { attributes: 16, producerId: 7n }))
    expect(shown).toMatchObject({
      magic: 2,
      producerId: '7',
      compression: 'none',
      timestampType: 'CreateTime',
      isTransactional: true,
      isControl: false,
      records: [
        { offset: '0', timestamp: '1000', key: null, value: 'a', headers: [] },
        { offset: '1', timestamp: '1001', key: null, value: 'b', headers: [] },
      ],
    })
  })

  test('of control records say what they control', async () => {
    const { key, value } = encodeEndTransactionMarker('ABORT', 3)
    const marker = { timestampDelta: 0n, offsetDelta: 0, key, value, headers: [] }
    const [shown] = await records(batch([''], { attributes: 48, records: [marker] }))
    expect(shown).toMatchObject({
      isControl: true,
      records: [{ control: { type: 'ABORT', coordinatorEpoch: 3 } }],
    })
  })

  test('that are cut off, or broken, do not hide the ones before', async () => {
    const whole = batch(['a'])
    expect(await records(Buffer.concat([whole, whole.subarray(0, 40)]))).toEqual([
      expect.objectContaining({ magic: 2 }),
      { incompleteTrailingBytes: 40 },
    ])
    const broken = Buffer.from(whole)
    broken[broken.length - 1] ^= 1
    expect(await records(Buffer.concat([whole, broken]))).toEqual([
      expect.objectContaining({ magic: 2 }),
      {
        error: expect.stringContaining('CRC'),
        bytes: { base64: broken.toString('base64') },
      },
    ])
    expect(await records(Buffer.alloc(20, 0xff))).toEqual([
      { error: expect.stringContaining('-1'), bytes: { base64: expect.any(String) } },
    ])
  })

  test('that would fill the memory are shown as such', async () => {
    // Half a million empty records in a few KB.
    const compressed = gzipSync(Buffer.alloc(7 * 500_000, Buffer.from('0c000000010100', 'hex')))
    const bytes = Buffer.concat([
      batch([], { attributes: 1, lastOffsetDelta: 499_999 }).subarray(0, 61),
      compressed,
    ])
    bytes.writeInt32BE(bytes.length - 12, 8)
    bytes.writeInt32BE(500_000, 57)
    writeCrc(bytes, 0)
    expect(bytes.length).toBeLessThan(10_000)
    expect(await records(bytes)).toEqual([
      { error: expect.stringContaining('maxDecodedBytes'), bytes: expect.anything() },
    ])
  })

  test('and message sets of every kind can be shown', async () => {
    for (const { hex, json, name } of loadVectors<RecordLine>('records')) {
      const shown = await records(Buffer.from(hex, 'hex'))
      if (!Array.isArray(json?.records)) continue
      expect(shown, name).toHaveLength(1)
      expect(shown[0].records, name).toHaveLength(json.records.length)
    }
    for (const { hex } of loadVectors<RecordLine>('records-legacy')) {
      for (const message of await records(Buffer.from(hex, 'hex'))) {
        if ('incompleteTrailingBytes' in message) continue
        expect(message).toMatchObject({ magic: expect.toBeOneOf([0, 1]) })
        expect((message.records as unknown[]).length).toBeGreaterThan(0)
      }
    }
  })
})

describe('kafkawire decode', () => {
  const printed: unknown[] = []
  afterEach(() => {
    printed.length = 0
    vi.restoreAllMocks()
  })

  async function run(...args: string[]): Promise<void> {
    vi.spyOn(console, 'log').mockImplementation((line: string) => {
      printed.push(JSON.parse(line))
    })
    const program = new Command('kafkawire').exitOverride()
    addDecode(program)
    await program.parseAsync(['decode', ...args], { from: 'user' })
  }

  const request = frames.find((line) => line.type === 'request' && line.api === 'Metadata')
  const response = frames.find((line) => line.type === 'response' && line.api === 'Metadata')
  if (request === undefined || response === undefined) throw new Error('no frames of Metadata')

  test('prints a request, which says itself what it is', async () => {
    await run('--hex', request.hex.replaceAll(/../g, '$& '))
    expect(printed).toMatchObject([{ api: 'Metadata', type: 'request', version: request.version }])
  })

  test('prints a response of what it is told', async () => {
    const { version } = response
    await run('--hex', response.hex, '--response', '--api', 'Metadata', '--version', `${version}`)
    expect(printed).toMatchObject([{ api: 'Metadata', type: 'response', version }])
  })

  test('prints every frame of a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kafkawire-decode-'))
    try {
      const file = join(folder, 'capture.bin')
      writeFileSync(file, Buffer.from(request.hex + request.hex, 'hex'))
      await run('--file', file)
      expect(printed).toHaveLength(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test.each([
    [[], 'give one of --hex, --base64 and --file'],
    [['--hex', 'ab', '--file', 'x'], 'give one of --hex, --base64 and --file'],
    [['--base64', '*'], '--base64 must hold base64'],
    [['--hex', '00', '--print', 'dump'], '--print dump is for segments'],
    [['--hex', '00', '--max-decoded-bytes', '0'], '--max-decoded-bytes must be'],
    [['--hex', '00', '--api', 'Metadat'], 'Kafka has no API "Metadat"'],
    [['--hex', '00', '--port', 'x'], 'no frame starts here'],
    [['--hex', 'abc'], 'pairs of hexadecimal digits'],
    [['--hex', 'zz'], 'pairs of hexadecimal digits'],
    [['--hex', '00', '--response'], 'give --api and --version'],
    [
      ['--hex', '00', '--response', '--api', 'Metadat', '--version', '1'],
      'Kafka has no API "Metadat"',
    ],
    [['--hex', '00', '--version', '1'], 'goes with --response'],
    [
      ['--hex', response.hex, '--response', '--api', 'Metadata', '--version', '99'],
      'Metadata v99 is not known',
    ],
  ])('%j is refused', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message)
    expect(printed).toEqual([])
  })
})
