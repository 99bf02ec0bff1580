// Which version two sides share, and that no other is encoded or decoded.

import { describe, expect, test } from 'vitest'
import { UnsupportedVersionError } from '../../src/errors.ts'
import {
  chooseVersion,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/api.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'

describe('chooseVersion', () => {
  test('takes the greatest that both speak', () => {
    expect(chooseVersion(heartbeat, { minVersion: 0, maxVersion: 9 })).toBe(4)
    expect(chooseVersion(heartbeat, { minVersion: 0, maxVersion: 2 })).toBe(2)
    expect(chooseVersion(heartbeat, { minVersion: 0, maxVersion: 9 }, 3)).toBe(3)
    expect(chooseVersion(heartbeat, { minVersion: 4, maxVersion: 9 })).toBe(4)
  })

  test('does not take an unstable version, even where the broker offers it', () => {
    expect(chooseVersion(initProducerId, { minVersion: 0, maxVersion: 6 })).toBe(5)
    expect(chooseVersion(initProducerId, { minVersion: 0, maxVersion: 6 }, 6)).toBe(5)
  })

  test('names both ranges where they do not meet', () => {
    const newer = { minVersion: 5, maxVersion: 6 }
    expect(() => chooseVersion(heartbeat, newer)).toThrow(UnsupportedVersionError)
    expect(() => chooseVersion(heartbeat, newer)).toThrow(
      'no common version of Heartbeat: this client can use 0 to 4, the broker offers 5 to 6',
    )
    expect(() => chooseVersion(heartbeat, { minVersion: 3, maxVersion: 4 }, 2)).toThrow(
      'this client can use 0 to 2, the broker offers 3 to 4',
    )
  })

  test('says so where the broker does not offer the API', () => {
    expect(() => chooseVersion(heartbeat, undefined)).toThrow(
      'the broker does not offer Heartbeat (API 12)',
    )
  })
})

test('a version that the API lacks is refused in all four directions', () => {
  const request = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
  const response = { throttleTimeMs: 0, errorCode: 0 }
  for (const version of [-1, 5, 0.5, Number.NaN]) {
    expect(() => encodeRequest(heartbeat, version, request)).toThrow(UnsupportedVersionError)
    expect(() => encodeResponse(heartbeat, version, response)).toThrow(UnsupportedVersionError)
    expect(() => decodeRequest(heartbeat, version, Buffer.alloc(9))).toThrow(
      UnsupportedVersionError,
    )
    expect(() => decodeResponse(heartbeat, version, Buffer.alloc(9))).toThrow(
      `Heartbeat v${version} is not known: versions 0 to 4 are`,
    )
  }
})

test('an unstable version can be encoded and decoded', () => {
  const request = {
    transactionalId: 't',
    transactionTimeoutMs: 1,
    producerId: 2n,
    producerEpoch: 3,
    enable2Pc: true,
    keepPreparedTxn: true,
  }
  const bytes = encodeRequest(initProducerId, 6, request)
  expect(decodeRequest(initProducerId, 6, bytes)).toEqual({ message: request, bytesLeft: 0 })
})

test('what a newer peer appended is counted, not read', () => {
  const bytes = Buffer.concat([
    encodeResponse(heartbeat, 1, { throttleTimeMs: 1, errorCode: 2 }),
    Buffer.from('new'),
  ])
  expect(decodeResponse(heartbeat, 1, bytes).bytesLeft).toBe(3)
})
