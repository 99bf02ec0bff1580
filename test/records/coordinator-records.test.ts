// Records of __consumer_offsets and __transaction_state, in every version. That real brokers write them
// so is shown in test/integration/protocol-toolkit.test.ts.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError, InvalidArgumentError } from '../../src/errors.ts'
import {
  decodeGroupRecord,
  decodeTransactionRecord,
  encodeGroupRecord,
  encodeTransactionRecord,
  type GroupRecord,
  type TransactionRecord,
} from '../../src/records/coordinator-records.ts'

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

  test('of another type keeps its bytes, and has its name', () => {
    const key = Buffer.from('0005000167', 'hex')
    const value = Buffer.from('0000ff', 'hex')
    const record = decodeGroupRecord(key, value)
    expect(record).toEqual({
      type: 'Other',
      name: 'ConsumerGroupMemberMetadata',
      keyType: 5,
      key,
      value,
    })
    expect(encodeGroupRecord(record)).toEqual({ key, value })
    expect(decodeGroupRecord(Buffer.from('7fff', 'hex'), null)).toMatchObject({ name: 'Unknown' })
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
      for (const decode of [decodeGroupRecord, decodeTransactionRecord]) {
        try {
          decode(Buffer.from([0, a.length % 3, ...a]), Buffer.from([0, b.length % 5, ...b]))
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }
    }),
    { numRuns: 2000 },
  )
})
