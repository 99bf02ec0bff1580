import { describe, expect, it } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/consumer/group/consumer-protocol.ts'
import { DecodeError } from '../../../src/errors.ts'
import { loadVectors } from '../../vectors/load.ts'

interface Pair {
  topic: string
  partition: number
}

interface Grouped {
  topic: string
  partitions: number[]
}

interface Vector {
  kind: string
  version: number
  input?: {
    topics: string[]
    partitions: Pair[]
    userData: string | null
    ownedPartitions: Pair[]
    generationId: number
    rackId: string | null
  }
  json: {
    topics: string[]
    userData: string | null
    ownedPartitions?: Grouped[]
    generationId?: number
    rackId?: string | null
    assignedPartitions: Grouped[]
  }
  hex: string
}

const vectors = loadVectors<Vector>('consumer-protocol')
const bytes = (base64: string | null): Buffer | null =>
  base64 === null ? null : Buffer.from(base64, 'base64')
const pairs = (grouped: Grouped[]): Pair[] =>
  grouped.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))

describe('the blobs of classic group members', () => {
  it('has vectors of every kind', () => {
    expect(new Set(vectors.map(({ kind }) => kind))).toEqual(
      new Set([
        'subscription',
        'assignment',
        'subscription-later-version',
        'assignment-later-version',
      ]),
    )
  })

  for (const [index, { kind, version, input, json, hex }] of vectors.entries()) {
    it(`${kind} v${version} (${index}) is as Java writes it`, () => {
      const wire = Buffer.from(hex, 'hex')
      if (kind.startsWith('subscription')) {
        expect(decodeSubscription(wire)).toEqual({
          topics: json.topics,
          userData: bytes(json.userData),
          ownedPartitions: pairs(json.ownedPartitions ?? []),
          generationId: json.generationId ?? -1,
          rackId: json.rackId ?? null,
        })
        if (input !== undefined) {
          const given = { ...input, userData: bytes(input.userData) }
          expect(encodeSubscription(given, version).toString('hex')).toBe(hex)
        }
      } else {
        const expected = {
          assignedPartitions: pairs(json.assignedPartitions),
          userData: bytes(json.userData),
        }
        expect(decodeAssignment(wire)).toEqual(expected)
        if (input !== undefined) {
          const given = {
            assignedPartitions: input.partitions,
            userData: bytes(input.userData),
          }
          expect(encodeAssignment(given, version).toString('hex')).toBe(hex)
        }
      }
    })
  }

  it('takes no bytes for no assignment', () => {
    expect(decodeAssignment(Buffer.alloc(0)).assignedPartitions).toEqual([])
  })

  it('refuses bytes that end too soon', () => {
    expect(() => decodeSubscription(Buffer.from('000300', 'hex'))).toThrow(DecodeError)
    expect(() => decodeAssignment(Buffer.from('00', 'hex'))).toThrow(DecodeError)
  })
})
