// Batches, message sets, segments, indexes, records of coordinators and blobs of members: cut before each
// byte, and with each byte changed, they are read or refused by a DecodeError that says what cannot be
// read, in which version, which field, and where. What does not fit a record is refused by its field.

import { describe, expect, test } from 'vitest'
import { capturedFrames } from '../../src/cli/capture/captured-frames.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/consumer/group/consumer-protocol.ts'
import { DecodeError, InvalidArgumentError } from '../../src/errors.ts'
import { decodeControlRecord } from '../../src/records/control-record.ts'
import {
  decodeGroupRecord,
  decodeTransactionRecord,
  encodeGroupRecord,
  encodeTransactionRecord,
} from '../../src/records/coordinator-records.ts'
import { decodeBatch, decodeBatches } from '../../src/records/decode-batch.ts'
import { encodeBatch } from '../../src/records/encode-batch.ts'
import { decodeMessageSet } from '../../src/records/legacy-messages.ts'
import {
  decodeOffsetIndex,
  decodeTimeIndex,
  decodeTransactionIndex,
  readLogSegment,
} from '../../src/records/log-segment.ts'
import {
  decodeShareStateRecord,
  encodeShareStateRecord,
} from '../../src/records/share-state-records.ts'
import { loadVectors } from '../vectors/load.ts'

interface BytesLine {
  kind?: string
  name: string
  hex: string
}

interface RecordLine {
  topic: string
  name: string
  key: { hex: string }
  value: { json: object; hex: string }
}

/** Longer ones have more of the same. */
const LONGEST = 160

function shortest(name: string, kind?: string): [string, Buffer][] {
  return loadVectors<BytesLine>(name)
    .filter((line) => kind === undefined || line.kind === kind)
    .map((line, index): [string, Buffer] => [
      `${line.name ?? name} ${index}`,
      Buffer.from(line.hex, 'hex'),
    ])
    .filter(([, bytes]) => bytes.length <= LONGEST)
}

/** The error of a decoder that works at once or by a promise; null where it reads the bytes. */
async function refusal(decode: () => unknown): Promise<DecodeError | null> {
  try {
    await decode()
    return null
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

interface Expected {
  readonly api: RegExp
  readonly start?: number
  /** Whether a cut input may be read as a shorter one. */
  readonly mayEndEarly?: boolean
  /** Whether it ends with a tag section, which belongs to no field. */
  readonly endsWithTags?: boolean
}

/** Cuts `whole` before every byte from `start` on, and changes every byte; lists errors that say too little. */
async function attack(
  whole: Buffer,
  decode: (bytes: Buffer) => unknown,
  { api, start = 0, mayEndEarly = false, endsWithTags = false }: Expected,
): Promise<string[]> {
  const vague: string[] = []
  const judge = (what: string, error: DecodeError | null, end: number): void => {
    if (error === null) return
    const { position, field, version, message } = error
    const isNamed = api.test(error.api) && (field !== '' || endsWithTags)
    if (!isNamed || !Number.isInteger(version) || position < start || position > end) {
      vague.push(`${what}: ${error.api} v${version} "${field}" ${position} of ${end}: ${message}`)
    }
  }
  for (let at = start; at < whole.length; at++) {
    const cut = await refusal(() => decode(whole.subarray(0, at)))
    if (cut === null && !mayEndEarly) vague.push(`cut at ${at} was read`)
    judge(`cut at ${at}`, cut, at)
    for (const mask of [0xff, 0x01]) {
      const changed = Buffer.from(whole)
      changed[at] ^= mask
      judge(`${at} changed by ${mask}`, await refusal(() => decode(changed)), whole.length)
    }
  }
  return vague
}

const OFFSET = 3

/** Limits that no vector reaches, and that keep what a changed byte claims small. */
const limits = { maxDecompressedBytes: 1 << 20, maxDecodedBytes: 1 << 20 }

describe('batches', () => {
  const batches = shortest('records', 'batch')

  test.each(batches)('decodeBatch: %s', async (_, bytes) => {
    const moved = Buffer.concat([Buffer.alloc(OFFSET), bytes])
    const expected = { api: /^RecordBatch$/, start: OFFSET }
    const decode = (part: Buffer): unknown =>
      decodeBatch(part, OFFSET, { ...limits, checkCrc: false })
    expect(await attack(moved, decode, expected)).toEqual([])
    const error = await refusal(() => {
      moved[OFFSET + 21] ^= 0x40
      return decodeBatch(moved, OFFSET, limits)
    })
    expect(error).toMatchObject({ api: 'RecordBatch', version: 2, field: 'crc', position: OFFSET })
  })

  test('decodeBatches', async () => {
    const several = Buffer.concat(batches.slice(0, 6).map(([, bytes]) => bytes))
    const decode = (part: Buffer): unknown => decodeBatches(part, { ...limits, checkCrc: false })
    expect(await attack(several, decode, { api: /^RecordBatch$/, mayEndEarly: true })).toEqual([])
  })

  test('readLogSegment', async () => {
    const several = Buffer.concat(batches.slice(0, 6).map(([, bytes]) => bytes))
    const decode = async (part: Buffer): Promise<void> => {
      for await (const batch of readLogSegment(part)) expect(batch.bytes.length).toBeGreaterThan(0)
    }
    expect(await attack(several, decode, { api: /^LogSegment$/, mayEndEarly: true })).toEqual([])
  })
})

test.each(shortest('records-legacy'))('a message set: %s', async (_, bytes) => {
  for (const checkCrcs of [true, false]) {
    const decode = (part: Buffer): unknown =>
      decodeMessageSet(part, checkCrcs, limits.maxDecompressedBytes, limits.maxDecodedBytes)
    expect(await attack(bytes, decode, { api: /^MessageSet$/, mayEndEarly: true })).toEqual([])
  }
})

test('indexes', async () => {
  const [offsets, times, aborted] = [Buffer.alloc(24), Buffer.alloc(36), Buffer.alloc(68)]
  for (let at = 0; at < 24; at += 4) offsets.writeInt32BE(at + 1, at)
  for (let at = 0; at < 36; at += 4) times.writeInt32BE(at + 1, at)
  for (let at = 2; at < 34; at += 8) aborted.writeBigInt64BE(7n, at)
  const mayEndEarly = true
  const index = (part: Buffer): unknown => decodeOffsetIndex(part, 5n)
  expect(await attack(offsets, index, { api: /^OffsetIndex$/, mayEndEarly })).toEqual([])
  const timeIndex = (part: Buffer): unknown => decodeTimeIndex(part, 5n)
  expect(await attack(times, timeIndex, { api: /^TimeIndex$/, mayEndEarly })).toEqual([])
  const decode = decodeTransactionIndex
  expect(await attack(aborted, decode, { api: /^TransactionIndex$/, mayEndEarly })).toEqual([])
  for (const wrong of [undefined, null, 5, 'x', {}]) {
    for (const read of [index, timeIndex, decode]) {
      expect(() => read(wrong as never)).toThrow(InvalidArgumentError)
    }
  }
  expect(() => decodeOffsetIndex(offsets, 5 as never)).toThrow('baseOffset is not valid')
})

test('control records', async () => {
  const marker = Buffer.from('00000001' + '000000000007', 'hex')
  const decode = (part: Buffer): unknown =>
    decodeControlRecord(part.subarray(0, 4), part.length > 4 ? part.subarray(4) : null)
  const expected = { api: /^ControlRecord$/ }
  expect(await attack(marker, decode, expected)).toEqual([])
  expect(() => decodeControlRecord(null, null)).toThrow(DecodeError)
})

const codecs: Record<
  string,
  {
    decode(key: Buffer, value: Buffer | null): object
    encode(record: never): { key: Buffer; value: Buffer | null }
  }
> = {
  __consumer_offsets: { decode: decodeGroupRecord, encode: encodeGroupRecord },
  __share_group_state: { decode: decodeShareStateRecord, encode: encodeShareStateRecord },
  __transaction_state: { decode: decodeTransactionRecord, encode: encodeTransactionRecord },
}

/** Every path to a value that is not an object or an array of them. */
function* leaves(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) {
    yield path
    return
  }
  for (const [key, child] of Object.entries(value)) {
    yield* leaves(child, [...path, Array.isArray(value) ? Number(key) : key])
  }
}

function pathName(path: (string | number)[]): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join('')
}

function isIn(json: object, path: (string | number)[]): boolean {
  let at: unknown = json
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !(step in at)) return false
    at = Reflect.get(at, step)
  }
  return true
}

describe('records of coordinators', () => {
  const seen = new Set<string>()
  // The most varied one of each type.
  const lines = loadVectors<RecordLine>('coordinator-records')
    .toReversed()
    .filter(({ topic, name, value }) => {
      const id = `${topic} ${name} ${value.hex.slice(0, 4)}`
      return value.hex.length <= 1400 && !seen.has(id) && seen.add(id).size > 0
    })

  test.each(lines.map((line) => [`${line.topic} ${line.name}`, line] as const))(
    '%s',
    async (_, { topic, key: keySide, value: valueSide }) => {
      const { decode } = codecs[topic]
      const [key, value] = [keySide, valueSide].map(({ hex }) => Buffer.from(hex, 'hex'))
      const ofValue = (part: Buffer): unknown => decode(key, part)
      expect(await attack(value, ofValue, { api: /Value$/, endsWithTags: true })).toEqual([])
      const ofKey = (part: Buffer): unknown => decode(part, null)
      expect(await attack(key, ofKey, { api: /Key$/ })).toEqual([])
    },
  )

  test.each(lines.map((line) => [`${line.topic} ${line.name}`, line] as const))(
    '%s: a value that does not fit',
    (_, { topic, name, key, value }) => {
      const { decode, encode } = codecs[topic]
      const [keyBytes, valueBytes] = [key, value].map(({ hex }) => Buffer.from(hex, 'hex'))
      const fresh = (): object => decode(keyBytes, valueBytes)
      for (const path of leaves(fresh())) {
        // Those choose what is written.
        if (['type', 'keyType'].includes(String(path[0])) || path.at(-1) === 'version') continue
        // Fields that the version lacks are ignorable.
        if (path[0] === 'value' && !isIn(value.json, path.slice(1))) continue
        const record = fresh()
        let at: object = record
        for (const step of path.slice(0, -1)) at = Reflect.get(at, step)
        Reflect.set(at, path.at(-1) ?? '', Symbol('wrong'))
        const side = path[0] === 'value' ? 'Value' : 'Key'
        const field = pathName(side === 'Value' ? path.slice(1) : path)
        let refused: unknown
        try {
          encode(record as never)
        } catch (error) {
          refused = error
        }
        expect(refused, `${name} ${field}`).toBeInstanceOf(InvalidArgumentError)
        expect(String(refused)).toContain(`${side} v`)
        expect(String(refused)).toContain(`: ${field} is not valid: expected `)
      }
    },
  )
})

describe('blobs of members', () => {
  const subscription = {
    topics: ['a', 'b'],
    userData: Buffer.from('u'),
    ownedPartitions: [
      { topic: 'a', partition: 0 },
      { topic: 'b', partition: 1 },
    ],
    generationId: 5,
    rackId: 'r',
  }
  const assignment = {
    assignedPartitions: subscription.ownedPartitions,
    userData: Buffer.from('u'),
  }

  test('each byte', async () => {
    for (const version of [0, 1, 2, 3]) {
      const written = encodeSubscription(subscription, version)
      const api = /^ConsumerProtocolSubscription$/
      expect(await attack(written, decodeSubscription, { api })).toEqual([])
      const assigned = encodeAssignment(assignment, version)
      const read = (part: Buffer): unknown =>
        part.length === 0 ? decodeSubscription(part) : decodeAssignment(part)
      expect(await attack(assigned, read, { api: /^ConsumerProtocol/ })).toEqual([])
    }
  })

  test('each field', () => {
    for (const path of leaves(subscription)) {
      const wrong = structuredClone({ ...subscription, userData: Buffer.from('u') })
      wrong.userData = Buffer.from('u')
      let at: object = wrong
      for (const step of path.slice(0, -1)) at = Reflect.get(at, step)
      Reflect.set(at, path.at(-1) ?? '', {})
      // Topics are written in their order: the index is that of the sorted list.
      expect(() => encodeSubscription(wrong), pathName(path)).toThrow(
        /^ConsumerProtocolSubscription v3: (topics|userData|ownedPartitions|generationId|rackId)/,
      )
    }
    expect(() => encodeSubscription(subscription, 4)).toThrow('versions 0 to 3 are')
    expect(() => encodeSubscription(null as never)).toThrow(InvalidArgumentError)
    expect(() => encodeAssignment({} as never)).toThrow(InvalidArgumentError)
  })
})

/** A copy in which nothing is shared. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, copyOf(each)])) as T
}

test('a batch that does not fit is refused by record and field, compressed or not', () => {
  const record = {
    attributes: 0,
    timestampDelta: 0n,
    offsetDelta: 0,
    key: 'k',
    value: 'v',
    headers: [{ key: 'h', value: 'x' }],
  }
  const good = {
    baseOffset: 0n,
    partitionLeaderEpoch: 0,
    attributes: 0,
    lastOffsetDelta: 1,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records: [record, { ...record, headers: [...record.headers] }],
  }
  for (const compression of [0, 1, 2, 3, 4]) {
    for (const path of leaves(good)) {
      const wrong = copyOf({ ...good, attributes: compression })
      let at: object = wrong
      for (const step of path.slice(0, -1)) at = Reflect.get(at, step)
      Reflect.set(at, path.at(-1) ?? '', Symbol('wrong'))
      const name = pathName(path)
      expect(() => encodeBatch(wrong), name).toThrow(InvalidArgumentError)
      expect(() => encodeBatch(wrong), name).toThrow(`RecordBatch v2: ${name} `)
    }
  }
  for (const attributes of [5, 6, 7]) {
    expect(() => encodeBatch({ ...good, attributes })).toThrow('RecordBatch v2: attributes is not')
  }
  for (const wrong of [null, undefined, 5, 'x']) {
    expect(() => encodeBatch(wrong as never)).toThrow(InvalidArgumentError)
  }
})

test('a capture', async () => {
  const head = Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex')
  const packet = Buffer.alloc(16 + 44)
  packet.writeUInt32LE(44, 8)
  packet.writeUInt32LE(44, 12)
  packet[16] = 0x45
  packet.writeUInt16BE(44, 18)
  packet[25] = 6
  packet[48] = 0x50
  const decode = (part: Buffer): unknown => [...capturedFrames(part)]
  expect(
    await attack(Buffer.concat([head, packet]), decode, { api: /^pcap$/, mayEndEarly: true }),
  ).toEqual([])
})
