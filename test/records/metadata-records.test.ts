// Records of __cluster_metadata in every version, as the classes of Kafka wrote them, and control records of
// Raft logs.

import { expect, test } from 'vitest'
import { DecodeError, InvalidArgumentError, UnsupportedVersionError } from '../../src/errors.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
  type MetadataRecord,
} from '../../src/records/metadata-records.ts'
import { decodeRaftControlRecord } from '../../src/records/raft-control-records.ts'
import { loadVectors } from '../vectors/load.ts'

interface RecordLine {
  name: string
  type: number
  version: number
  json: object
  hex: string
}

const lines = loadVectors<RecordLine>('metadata-records')
const kinds = [...new Set(lines.map(({ name, version }) => `${name} v${version}`))]

/** As the vectors show values: int64 as decimal text, bytes as base64. */
function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.map(shown)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shown(each)]))
}

function refusal(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}

test.each(kinds)('%s', (kind) => {
  for (const { name, version, json, hex } of lines) {
    if (`${name} v${version}` !== kind) continue
    const bytes = Buffer.from(hex, 'hex')
    const record = decodeMetadataRecord(bytes)
    expect(record).toMatchObject({ type: name, version })
    // Tagged fields at their defaults are not in the vectors.
    expect(record.type === 'Other' ? null : shown(record.value)).toMatchObject(json)
    expect(encodeMetadataRecord(record)).toEqual(bytes)
    for (let length = 0; length < bytes.length; length++) {
      const error = refusal(() => decodeMetadataRecord(bytes.subarray(0, length)))
      expect(error).toBeInstanceOf(DecodeError)
      const { position, api } = error as DecodeError
      expect(position).toBeGreaterThanOrEqual(0)
      expect(position).toBeLessThanOrEqual(length)
      expect([name, 'MetadataRecord']).toContain(api)
    }
    const behind = refusal(() => decodeMetadataRecord(Buffer.concat([bytes, Buffer.alloc(1)])))
    expect(behind).toMatchObject({ api: name, version, field: 'value', position: bytes.length })
  }
})

test('every type has vectors', () => {
  expect(new Set(lines.map(({ type }) => type)).size).toBe(27)
  expect(kinds).toHaveLength(38)
})

test('a record of a newer Kafka keeps its bytes', () => {
  const bytes = Buffer.from('017f0301ff', 'hex')
  const record = decodeMetadataRecord(bytes)
  expect(record).toEqual({
    type: 'Other',
    apiKey: 127,
    version: 3,
    bytes: Buffer.from('01ff', 'hex'),
  })
  expect(encodeMetadataRecord(record)).toEqual(bytes)
  const newer = refusal(() => decodeMetadataRecord(Buffer.from('010201', 'hex')))
  expect(newer).toMatchObject({ api: 'TopicRecord', version: 1, field: 'version', position: 2 })
  const frame = refusal(() => decodeMetadataRecord(Buffer.from('020201', 'hex')))
  expect(frame).toMatchObject({ api: 'MetadataRecord', field: 'frameVersion', position: 0 })
})

test('what does not fit is refused', () => {
  const topic = { name: 'orders', topicId: 'AQAAAAAAAAAAAAAAAAAAAA' }
  const good: MetadataRecord = { type: 'TopicRecord', version: 0, value: topic }
  expect(decodeMetadataRecord(encodeMetadataRecord(good))).toEqual(good)
  const wrong = { ...good, value: { ...topic, name: 5 } } as never
  expect(() => encodeMetadataRecord(wrong)).toThrow('TopicRecord v0: name is not valid: expected a')
  expect(() => encodeMetadataRecord({ ...good, type: 'X' } as never)).toThrow(InvalidArgumentError)
  expect(() => encodeMetadataRecord({ ...good, version: 1 })).toThrow(UnsupportedVersionError)
  expect(() => encodeMetadataRecord(null as never)).toThrow(InvalidArgumentError)
  expect(() => decodeMetadataRecord('x' as never)).toThrow(InvalidArgumentError)
  const line = lines.find(({ name, version }) => name === 'PartitionRecord' && version === 0)
  const partition = decodeMetadataRecord(Buffer.from(line?.hex ?? '', 'hex'))
  if (partition.type !== 'PartitionRecord') throw new Error(partition.type)
  partition.value.lastKnownElr = [1]
  expect(() => encodeMetadataRecord(partition)).toThrow(
    'PartitionRecord v0 cannot carry lastKnownElr',
  )
})

test('control records of Raft logs', () => {
  const key = (type: number): Buffer => Buffer.from([0, 0, 0, type])
  const change = Buffer.from(
    `${'0001'}${'00000001'}02${'00000001'}${'00'.repeat(16)}00010000`,
    'hex',
  )
  expect(decodeRaftControlRecord(key(2), change)).toEqual({
    type: 'LEADER_CHANGE',
    version: 1,
    leaderId: 1,
    voters: [{ voterId: 1, voterDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    grantingVoters: [],
  })
  const old = Buffer.from(`${'0000'}${'00000001'}02${'00000001'}000100`, 'hex')
  expect(decodeRaftControlRecord(key(2), old)).toMatchObject({ voters: [{ voterId: 1 }] })
  const header = Buffer.from(`0000${'0000000000000007'}00`, 'hex')
  expect(decodeRaftControlRecord(key(3), header)).toMatchObject({ lastContainedLogTimestamp: 7n })
  expect(decodeRaftControlRecord(key(4), Buffer.from('000000', 'hex'))).toEqual({
    type: 'SNAPSHOT_FOOTER',
    version: 0,
  })
  const version = Buffer.from('0000000100', 'hex')
  expect(decodeRaftControlRecord(key(5), version)).toMatchObject({ kRaftVersion: 1 })
  for (const wrong of [
    () => decodeRaftControlRecord(key(0), Buffer.alloc(6)),
    () => decodeRaftControlRecord(key(9), header),
    () => decodeRaftControlRecord(key(3), header.subarray(0, 5)),
    () => decodeRaftControlRecord(key(3), Buffer.from('0009', 'hex')),
  ]) {
    expect(wrong).toThrow(DecodeError)
  }
})
