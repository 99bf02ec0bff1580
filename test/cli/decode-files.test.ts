// `kafkawire decode` on files: frames in every writing, captures made of packets in every order, segments
// and their indexes.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { capturedFrames } from '../../src/cli/capture/captured-frames.ts'
import { readPackets } from '../../src/cli/capture/pcap.ts'
import { addDecode } from '../../src/cli/commands/decode.ts'
import { treeLines } from '../../src/cli/tree.ts'
import { DecodeError } from '../../src/errors.ts'
import { encodeFrame } from '../../src/protocol/frame.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { encodeBatch } from '../../src/records/encode-batch.ts'
import { readLogSegment } from '../../src/records/log-segment.ts'
import { whileTagsAreForgotten } from '../protocol/forget-tags.ts'
import { kafkawire } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-decode-'))
afterAll(() => rmSync(folder, { recursive: true }))

const printed: string[] = []
beforeAll(() => {
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    printed.push(line)
  })
})
afterEach(() => {
  printed.length = 0
})

async function decode(
  name: string,
  content: Buffer | string,
  ...args: string[]
): Promise<string[]> {
  const file = join(folder, name)
  writeFileSync(file, content)
  const program = new Command('kafkawire').exitOverride()
  addDecode(program)
  await program.parseAsync(['decode', '--file', file, ...args], { from: 'user' })
  return [...printed]
}

const header = { correlationId: 1, clientId: 'me' }
const request = encodeFrame({
  type: 'request',
  api: metadata,
  version: 12,
  header,
  body: metadata.request({ topics: [{ name: 'orders' }] }),
})
const response = encodeFrame({
  type: 'response',
  api: metadata,
  version: 12,
  header: { correlationId: 1 },
  body: metadata.response({ clusterId: 'a cluster' }),
})

describe('frames in a file', () => {
  test.each([
    ['bytes.bin', request],
    ['digits.hex', request.toString('hex')],
    [
      'spaced.txt',
      request
        .toString('hex')
        .replaceAll(/../g, '$& ')
        .replaceAll(/(.{60})/g, '$1\n'),
    ],
    ['text.b64', `${request.toString('base64').replaceAll(/(.{76})/g, '$1\n')}\n`],
  ])('as %s', async (name, content) => {
    const [shown] = await decode(name, content)
    expect(JSON.parse(shown)).toMatchObject({
      api: 'Metadata',
      body: { topics: [{ name: 'orders' }] },
    })
  })

  test('are printed by line, as a tree, and of one API only', async () => {
    const asked = encodeFrame({
      type: 'request',
      api: apiVersions,
      version: 3,
      header,
      body: apiVersions.request(),
    })
    const both = Buffer.concat([request, asked])
    expect(await decode('both', both, '--print', 'lines')).toHaveLength(2)
    printed.length = 0
    const [shown, ...more] = await decode('both', both, '--api', 'ApiVersions')
    expect(JSON.parse(shown)).toMatchObject({ api: 'ApiVersions' })
    expect(more).toEqual([])
    printed.length = 0
    const [tree] = await decode('one', request, '--print', 'tree')
    expect(tree).toContain('\n  topics:\n    [0]:\n      topicId: "AAAAAAAAAAAAAAAAAAAAAA"\n')
  })
})

test('a response is decoded by the whole program, whose own --version is not in the way', async () => {
  const file = join(folder, 'response.bin')
  writeFileSync(file, response)
  const of = ['--response', '--api', 'Metadata', '--version', '12', '--print', 'lines']
  const { code } = await kafkawire('decode', '--file', file, ...of)
  expect(code).toBe(0)
  expect(printed.map((line) => JSON.parse(line))).toMatchObject([
    { api: 'Metadata', type: 'response', version: 12, body: { clusterId: 'a cluster' } },
  ])
  for (const words of [['--version'], ['topics', '--version']]) {
    expect((await kafkawire(...words)).stdout).toMatch(/^\d+\.\d+\.\d+/)
  }
})

test('a tree is short, and shows what could change a terminal', () => {
  expect(treeLines({ a: [], b: {}, c: [1, null], d: { e: 'x\u001b[2J' }, f: null })).toEqual([
    'a: []',
    'b: {}',
    'c: 1, null',
    'd:',
    '  e: "x\\u001b[2J"',
    'f: null',
  ])
  expect(treeLines(5)).toEqual(['5'])
})

/** A TCP segment in an IPv4 packet, of the client or the server. */
function packet(
  from: 'client' | 'server',
  sequence: number,
  payload: Buffer,
  flags: number = 0x18,
): Buffer {
  const ip = Buffer.alloc(40)
  ip[0] = 0x45
  ip.writeUInt16BE(40 + payload.length, 2)
  ip[9] = 6
  const ends = [Buffer.from([127, 0, 0, 1]), Buffer.from([127, 0, 0, 2])]
  const ports = [50_000, 9092]
  if (from === 'server') {
    ends.reverse()
    ports.reverse()
  }
  ends[0].copy(ip, 12)
  ends[1].copy(ip, 16)
  ip.writeUInt16BE(ports[0], 20)
  ip.writeUInt16BE(ports[1], 22)
  ip.writeUInt32BE(sequence >>> 0, 24)
  ip[32] = 0x50
  ip[33] = flags
  return Buffer.concat([ip, payload])
}

function pcap(packets: readonly Buffer[], littleEndian = true): Buffer {
  const write = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    if (littleEndian) bytes.writeUInt32LE(value)
    else bytes.writeUInt32BE(value)
    return bytes
  }
  const head = [0xa1b2c3d4, littleEndian ? 0x00040002 : 0x00020004, 0, 0, 65_535, 101].map(write)
  const body = packets.flatMap((bytes, index) => [
    write(1_700_000_000 + index),
    write(500_000),
    write(bytes.length),
    write(bytes.length),
    bytes,
  ])
  return Buffer.concat([...head, ...body])
}

function pcapng(packets: readonly Buffer[]): Buffer {
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)])
    const bytes = Buffer.alloc(12 + padded.length)
    bytes.writeUInt32LE(type, 0)
    bytes.writeUInt32LE(bytes.length, 4)
    padded.copy(bytes, 8)
    bytes.writeUInt32LE(bytes.length, bytes.length - 4)
    return bytes
  }
  const section = Buffer.alloc(16)
  section.writeUInt32LE(0x1a2b3c4d, 0)
  section.writeUInt16LE(1, 4)
  section.fill(0xff, 8)
  // Link type 101, no limit, time in nanoseconds.
  const description = Buffer.from('6500000000000000' + '0900010009000000' + '00000000', 'hex')
  const enhanced = packets.map((bytes, index) => {
    const head = Buffer.alloc(20)
    const time = (1_700_000_000n + BigInt(index)) * 1_000_000_000n + 500_000_000n
    head.writeUInt32LE(Number(time >> 32n), 4)
    head.writeUInt32LE(Number(time & 0xffffffffn), 8)
    head.writeUInt32LE(bytes.length, 12)
    head.writeUInt32LE(bytes.length, 16)
    return block(6, Buffer.concat([head, bytes]))
  })
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, description), ...enhanced])
}

const syn = packet('client', 999, Buffer.alloc(0), 0x02)
const synAck = packet('server', 4_999, Buffer.alloc(0), 0x12)
const whole = [syn, synAck, packet('client', 1000, request), packet('server', 5000, response)]

function shape(content: Buffer): string[] {
  return [...capturedFrames(content)].map(({ frame }) =>
    frame.type === 'request' || frame.type === 'response'
      ? `${frame.api.name} ${frame.type}`
      : frame.type,
  )
}

describe('a capture', () => {
  test.each([
    ['x.pcap', pcap(whole)],
    ['big-endian', pcap(whole, false)],
    ['x.pcapng', pcapng(whole)],
  ])('of either form is decoded: %s', async (name, content) => {
    const shown = await decode(name, content, '--print', 'lines')
    expect(shown.map((line) => JSON.parse(line))).toMatchObject([
      { api: 'Metadata', type: 'request', client: '127.0.0.1:50000', server: '127.0.0.2:9092' },
      { api: 'Metadata', type: 'response', time: '2023-11-14T22:13:23.500Z' },
    ])
  })

  // tcpdump -i lo, in front of Kafka 4.4.0: kafkajs 2.2.4 and @platformatic/kafka 2.12.1, each an idempotent
  // or plain producer and a consumer in a group.
  test('of tcpdump, of two other clients and a real broker, is decoded whole', () => {
    const content = readFileSync(join(import.meta.dirname, 'captures/loopback.pcap'))
    const kinds: Record<string, number> = {}
    const connections = new Set<string>()
    for (const { client, frame } of capturedFrames(content)) {
      connections.add(client)
      if (frame.type !== 'request' && frame.type !== 'response') throw new Error(frame.type)
      kinds[frame.type] = (kinds[frame.type] ?? 0) + 1
      expect(encodeFrame(frame).equals(frame.raw), frame.api.name).toBe(true)
    }
    // The last Fetch had no response when its client closed.
    expect(kinds).toEqual({ request: 37, response: 36 })
    expect(connections.size).toBeGreaterThan(4)
    const forgotten = whileTagsAreForgotten(() => {
      for (const { frame } of capturedFrames(content)) {
        if (frame.type !== 'request' && frame.type !== 'response') throw new Error(frame.type)
        expect(encodeFrame(frame).equals(frame.raw), frame.api.name).toBe(true)
      }
    })
    expect(forgotten).toBeGreaterThan(3)
  })

  test('of other ports, or of other APIs, is left out', async () => {
    expect(await decode('x.pcap', pcap(whole), '--port', '9093,9094')).toEqual([])
    expect(await decode('x.pcap', pcap(whole), '--port', '9092')).toHaveLength(2)
    printed.length = 0
    expect(await decode('x.pcap', pcap(whole), '--api', 'Fetch')).toEqual([])
  })

  test('of every link layer is read', () => {
    const inner = whole[2]
    const layers: [number, Buffer][] = [
      [0, Buffer.from('02000000', 'hex')],
      [1, Buffer.from('0000000000000000000000000800', 'hex')],
      [1, Buffer.from('000000000000000000000000810000010800', 'hex')],
      [101, Buffer.alloc(0)],
      [113, Buffer.from('00000000000000000000000000000800', 'hex')],
      [276, Buffer.from('0800000000000000000000000000000000000000', 'hex')],
    ]
    for (const [linkType, head] of layers) {
      const file = pcap([Buffer.concat([head, inner])])
      file.writeUInt32LE(linkType, 20)
      expect(shape(file), `link type ${linkType}`).toEqual(['Metadata request'])
    }
  })

  test('whose segments come in any order and more than once gives each frame once', () => {
    const requests = Buffer.concat(Array.from({ length: 20 }, () => request))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(requests.length - 1), fc.integer({ min: 1, max: 300 })), {
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 200 }),
        (extra, size) => {
          const pieces: Buffer[] = []
          for (let at = 0; at < requests.length; at += size) {
            pieces.push(packet('client', 1000 + at, requests.subarray(at, at + size)))
          }
          // Some are sent again, cut elsewhere, and some arrive late.
          for (const [at, length] of extra) {
            const piece = packet('client', 1000 + at, requests.subarray(at, at + length))
            pieces.splice((at * 7) % (pieces.length + 1), 0, piece)
          }
          expect(shape(pcap([syn, ...pieces]))).toEqual(Array(20).fill('Metadata request'))
        },
      ),
      { numRuns: 30 },
    )
  })

  test('whose sequence numbers wrap is read', () => {
    const start = 2 ** 32 - 10
    const packets = [
      packet('client', start - 1, Buffer.alloc(0), 0x02),
      packet('client', start + 10, request.subarray(10)),
      packet('client', start, request.subarray(0, 10)),
    ]
    expect(shape(pcap(packets))).toEqual(['Metadata request'])
  })

  test('that begins in the middle is taken up where a frame begins', () => {
    const packets = [
      packet('client', 500, Buffer.from('the rest of a frame that began earlier')),
      packet('server', 700, response.subarray(20)),
      packet('client', 538, request),
      packet('server', 700 + response.length - 20, response),
    ]
    expect(shape(pcap(packets))).toEqual(['Metadata request', 'Metadata response'])
  })

  test('whose packets state a time that no date has is decoded', async () => {
    const content = pcapng(whole)
    // The resolution of the interface: whole seconds in place of nanoseconds.
    content[content.indexOf(Buffer.from('0900010009', 'hex')) + 4] = 0
    const shown = await decode('far.pcapng', content, '--print', 'lines')
    expect(shown.map((line) => JSON.parse(line))).toMatchObject([
      { api: 'Metadata', type: 'request', time: null },
      { api: 'Metadata', type: 'response', time: null },
    ])
  })

  test('with a gap before thousands of small segments is read behind it', () => {
    const packets = [syn, packet('client', 1001, Buffer.from('lost')), synAck]
    const count = 5000
    for (let at = 0; at < count; at++) {
      packets.push(packet('client', 1500 + at * request.length, request))
    }
    const kinds: Record<string, number> = {}
    for (const kind of shape(pcap(packets))) kinds[kind] = (kinds[kind] ?? 0) + 1
    expect(kinds).toEqual({ gap: 2, 'Metadata request': count })
  })

  test('with a gap says so, and is read behind it', () => {
    const packets = [
      syn,
      packet('client', 1000, request.subarray(0, 10)),
      packet('client', 1000 + request.length, request),
    ]
    expect(shape(pcap(packets))).toEqual(['gap', 'Metadata request'])
  })

  test('with bytes that are not Kafka shows them as unreadable', async () => {
    const packets = [syn, packet('client', 1000, Buffer.from('GET / HTTP/1.1\r\n'))]
    const [shown] = await decode('x.pcap', pcap(packets))
    expect(JSON.parse(shown)).toMatchObject({ type: 'unreadable', from: 'client' })
  })

  test('of any bytes ends in packets or a DecodeError', () => {
    const files = [pcap(whole), pcapng(whole)]
    fc.assert(
      fc.property(
        fc.nat(1),
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        fc.nat(),
        (which, edits, cut) => {
          const file = Buffer.from(files[which])
          for (const [at, byte] of edits) file[24 + (at % (file.length - 24))] = byte
          try {
            for (const _ of capturedFrames(file.subarray(0, 24 + (cut % file.length)))) {
            }
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        },
      ),
      { numRuns: 500 },
    )
    expect(() => [...readPackets(Buffer.from('no capture, but long enough'))]).toThrow(DecodeError)
  })
})

describe('a segment', () => {
  const batch = (offset: bigint, values: string[], attributes = 0): Buffer =>
    encodeBatch({
      baseOffset: offset,
      partitionLeaderEpoch: 3,
      attributes,
      lastOffsetDelta: values.length - 1,
      baseTimestamp: 1_700_000_000_000n,
      maxTimestamp: 1_700_000_000_000n,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      records: values.map((value, offsetDelta) => ({
        timestampDelta: 0n,
        offsetDelta,
        key: 'k',
        value,
        headers: [{ key: 'h', value: null }],
      })),
    }) as Buffer
  const content = Buffer.concat([batch(100n, ['a', 'b']), batch(102n, ['c'])])
  const name = '00000000000000000100.log'

  test('is printed batch by batch', async () => {
    const shown = (await decode(name, content, '--print', 'lines')).map((line) => JSON.parse(line))
    expect(shown).toMatchObject([
      {
        position: 0,
        baseOffset: '100',
        hasValidCrc: true,
        records: [{ value: 'a' }, { value: 'b' }],
      },
      { position: batch(100n, ['a', 'b']).length, baseOffset: '102' },
    ])
  })

  test('is printed as kafka-dump-log does', async () => {
    const lines = await decode(name, content, '--print', 'dump')
    expect(lines.slice(1)).toEqual([
      'Log starting offset: 100',
      expect.stringMatching(
        /^baseOffset: 100 lastOffset: 101 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 partitionLeaderEpoch: 3 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1700000000000 size: \d+ magic: 2 compresscodec: none crc: \d+ isvalid: true$/,
      ),
      '| offset: 100 CreateTime: 1700000000000 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [h] key: k payload: a',
      '| offset: 101 CreateTime: 1700000000000 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [h] key: k payload: b',
      expect.stringContaining('baseOffset: 102'),
      expect.stringContaining('payload: c'),
    ])
    printed.length = 0
    expect(await decode(name, content, '--print', 'dump', '--no-records')).toHaveLength(4)
  })

  test('that is cut off, preallocated or broken shows what is whole', async () => {
    const cut = await decode(name, content.subarray(0, -1), '--print', 'lines')
    expect(JSON.parse(cut[1])).toEqual({ incompleteBytes: 72 })
    printed.length = 0
    const zeros = Buffer.concat([content, Buffer.alloc(1000)])
    expect(await decode(name, zeros, '--print', 'lines')).toHaveLength(2)
    printed.length = 0
    const broken = Buffer.from(content)
    broken[70] ^= 1
    const [first, second] = await decode(name, broken, '--print', 'lines')
    expect(JSON.parse(first)).toMatchObject({ hasValidCrc: false, error: expect.any(String) })
    expect(JSON.parse(second)).toMatchObject({ baseOffset: '102', hasValidCrc: true })
  })

  test('of any bytes ends in batches or a DecodeError', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        async (edits) => {
          const bytes = Buffer.from(content)
          for (const [at, byte] of edits) bytes[at % bytes.length] = byte
          try {
            for await (const found of readLogSegment(bytes))
              expect(found.bytes.length).toBeGreaterThan(0)
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('has indexes', async () => {
    const index = Buffer.from(`00000005000001000000000a00000200${'00'.repeat(16)}`, 'hex')
    const shown = await decode('00000000000000000100.index', index, '--print', 'lines')
    expect(shown.map((line) => JSON.parse(line))).toEqual([
      { offset: '105', position: 256 },
      { offset: '110', position: 512 },
    ])
    printed.length = 0
    const times = Buffer.from(`0000018bcfe5680000000005${'00'.repeat(12)}`, 'hex')
    const [entry] = await decode('00000000000000000100.timeindex', times, '--print', 'lines')
    expect(JSON.parse(entry)).toEqual({ timestamp: '1700000000000', offset: '105' })
    printed.length = 0
    const aborted = Buffer.alloc(34)
    aborted.writeBigInt64BE(7n, 2)
    aborted.writeBigInt64BE(9n, 18)
    const [transaction] = await decode('00000000000000000100.txnindex', aborted, '--print', 'lines')
    expect(JSON.parse(transaction)).toMatchObject({ producerId: '7', lastOffset: '9' })
    await expect(decode('x.index', index)).rejects.toThrow('expected a file such as')
    await expect(decode('1.txnindex', aborted.subarray(1))).rejects.toThrow('less than an entry')
  })
})
