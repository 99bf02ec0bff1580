// Records of __consumer_offsets and __transaction_state, in every version. That real brokers write them
// so is shown in test/integration/protocol-toolkit.test.ts.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError, InvalidArgumentError } from '../../src/errors.ts'
import { setUnknownTags, unknownTags } from '../../src/protocol/unknown-tags.ts'
import {
  decodeGroupRecord,
  decodeTransactionRecord,
  encodeGroupRecord,
  encodeTransactionRecord,
  type GroupRecord,
  type TransactionRecord,
} from '../../src/records/coordinator-records.ts'
import {
  decodeShareStateRecord,
  encodeShareStateRecord,
  type ShareStateRecord,
} from '../../src/records/share-state-records.ts'
import { loadVectors } from '../vectors/load.ts'

interface RecordLine {
  topic: string
  name: string
  type: number
  version: number
  key: { json: object; hex: string }
  value: { json: object; hex: string }
}

const codecs = {
  __consumer_offsets: { decode: decodeGroupRecord, encode: encodeGroupRecord },
  __share_group_state: { decode: decodeShareStateRecord, encode: encodeShareStateRecord },
  __transaction_state: { decode: decodeTransactionRecord, encode: encodeTransactionRecord },
} as Record<
  string,
  {
    decode(key: Buffer, value: Buffer | null): { value?: unknown }
    encode(record: object): { key: Buffer; value: Buffer | null }
  }
>

/** As the vectors show values: int64 as decimal text, bytes as base64. */
function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]))
}

const lines = loadVectors<RecordLine>('coordinator-records')
const kinds = [...new Set(lines.map(({ topic, name }) => `${topic} ${name}`))]

describe('records that the classes of Kafka wrote', () => {
  test.each(kinds)('%s', (kind) => {
    for (const line of lines.filter(({ topic, name }) => `${topic} ${name}` === kind)) {
      const { decode, encode } = codecs[line.topic]
      const key = Buffer.from(line.key.hex, 'hex')
      const value = Buffer.from(line.value.hex, 'hex')
      const record = decode(key, value)
      expect(shown(record)).toMatchObject(line.key.json)
      // Tagged fields at their defaults are not in the vectors.
      expect(shown(record.value)).toMatchObject(line.value.json)
      expect(encode(record)).toEqual({ key, value })
      expect(encode(decode(key, null))).toEqual({ key, value: null })
      for (let length = 0; length < value.length; length++) {
        expect(() => decode(key, value.subarray(0, length))).toThrow(DecodeError)
      }
    }
  })

  test('every type that has a name has vectors', () => {
    expect(kinds).toHaveLength(25)
    const types = lines
      .filter(({ topic }) => topic === '__consumer_offsets')
      .map(({ type }) => type)
    for (const type of new Set(types)) {
      const key = Buffer.alloc(64)
      key.writeInt16BE(type)
      expect(decodeGroupRecord(key, null).type, String(type)).not.toBe('Other')
    }
  })
})

test('tagged fields of a newer Kafka stay with their structs', () => {
  const record: ShareStateRecord = {
    type: 'ShareUpdate',
    groupId: 'g',
    topicId: 'AQAAAAAAAAAAAAAAAAAAAA',
    partition: 3,
    value: {
      snapshotEpoch: 1,
      leaderEpoch: 2,
      startOffset: -1n,
      stateBatches: [{ firstOffset: 1n, lastOffset: 2n, deliveryState: 2, deliveryCount: 1 }],
      deliveryCompleteCount: 4,
    },
  }
  setUnknownTags(record.value?.stateBatches[0] ?? {}, [{ tag: 9, data: Buffer.from('new') }])
  const { key, value } = encodeShareStateRecord(record)
  const again = decodeShareStateRecord(key, value)
  expect(unknownTags(again.value?.stateBatches[0] ?? {})).toEqual([
    { tag: 9, data: Buffer.from('new') },
  ])
  expect(encodeShareStateRecord(again)).toEqual({ key, value })
  const newer = Buffer.from(value ?? '')
  newer.writeInt16BE(1)
  expect(() => decodeShareStateRecord(key, newer)).toThrow('ShareUpdateValue v1')
  expect(() => encodeShareStateRecord({ ...record, type: 'X' } as never)).toThrow(
    InvalidArgumentError,
  )
})

const member = {
  memberId: 'm',
  groupInstanceId: 'i',
  clientId: 'c',
  clientHost: '/127.0.0.1',
  rebalanceTimeout: 60_000,
  sessionTimeout: 45_000,
  subscription: Buffer.from('s'),
  assignment: Buffer.from('a'),
}

function commit(version: number): GroupRecord {
  return {
    type: 'OffsetCommit',
    keyType: 1,
    group: 'g',
    topic: 't',
    partition: 7,
    value: {
      version,
      offset: 42n,
      leaderEpoch: version >= 3 ? 5 : -1,
      metadata: 'm',
      commitTimestamp: 1n,
      expireTimestamp: version === 1 ? 2n : -1n,
      topicId: version >= 4 ? 'AQAAAAAAAAAAAAAAAAAAAA' : 'AAAAAAAAAAAAAAAAAAAAAA',
    },
  }
}

function group(version: number): GroupRecord {
  return {
    type: 'GroupMetadata',
    group: 'g',
    value: {
      version,
      protocolType: 'consumer',
      generation: 3,
      protocol: 'range',
      leader: null,
      currentStateTimestamp: version >= 2 ? 9n : -1n,
      members: [
        {
          ...member,
          groupInstanceId: version >= 3 ? 'i' : null,
          rebalanceTimeout: version >= 1 ? 60_000 : -1,
        },
      ],
    },
  }
}

function transaction(version: number): TransactionRecord {
  return {
    transactionalId: 'x',
    value: {
      version,
      producerId: 1n,
      previousProducerId: version >= 1 ? 2n : -1n,
      nextProducerId: version >= 1 ? 3n : -1n,
      producerEpoch: 4,
      nextProducerEpoch: version >= 1 ? 5 : -1,
      transactionTimeoutMs: 60_000,
      transactionStatus: 1,
      transactionPartitions: [{ topic: 't', partitionIds: [0, 2] }],
      transactionLastUpdateTimestampMs: 6n,
      transactionStartTimestampMs: 7n,
      clientTransactionVersion: version >= 1 ? 2 : 0,
    },
  }
}

describe('a record of a group', () => {
  test.each([0, 1, 2, 3, 4])('of version %i comes back', (version) => {
    for (const record of [commit(version), group(version)]) {
      const { key, value } = encodeGroupRecord(record)
      expect(value?.readInt16BE(0)).toBe(version)
      expect(decodeGroupRecord(key, value)).toEqual(record)
      const removed = { ...record, value: null } as GroupRecord
      expect(decodeGroupRecord(key, null)).toEqual(removed)
      expect(encodeGroupRecord(removed)).toEqual({ key, value: null })
    }
  })

  test('has the bytes that a broker writes', () => {
    const { key, value } = encodeGroupRecord(commit(3))
    expect(key.toString('hex')).toBe('0001' + '000167' + '000174' + '00000007')
    expect(value?.toString('hex')).toBe(
      `0003${'000000000000002a'}${'00000005'}${'00016d'}${'0000000000000001'}`,
    )
  })

  test('of a type that is not known keeps its bytes', () => {
    const key = Buffer.from('7fff000167', 'hex')
    const value = Buffer.from('0000ff', 'hex')
    const record = decodeGroupRecord(key, value)
    expect(record).toEqual({ type: 'Other', keyType: 0x7fff, key, value })
    expect(encodeGroupRecord(record)).toEqual({ key, value })
  })
})

test.each([0, 1])('a record of a transactional id of version %i comes back', (version) => {
  const record = transaction(version)
  const { key, value } = encodeTransactionRecord(record)
  expect(decodeTransactionRecord(key, value)).toEqual(record)
  expect(decodeTransactionRecord(key, null)).toEqual({ ...record, value: null })
})

test('what is not a record is refused', () => {
  const { key, value } = encodeGroupRecord(commit(4))
  const newer = Buffer.from(value ?? '')
  newer.writeInt16BE(5, 0)
  expect(() => decodeGroupRecord(key, newer)).toThrow('OffsetCommitValue v5 is not known')
  expect(() => decodeTransactionRecord(Buffer.from('0001000178', 'hex'), null)).toThrow(
    'a key of type 1, expected 0',
  )
  expect(() => decodeGroupRecord('x' as never, null)).toThrow(InvalidArgumentError)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
      for (const decode of [decodeGroupRecord, decodeTransactionRecord, decodeShareStateRecord]) {
        try {
          decode(Buffer.from([0, a.length % 24, ...a]), Buffer.from([0, b.length % 5, ...b]))
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }
    }),
    { numRuns: 2000 },
  )
})
