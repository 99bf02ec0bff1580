// A wrong argument of sendOffsets() is refused by name, and changes nothing: the transaction is still open.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../../src/errors.ts'
import { startProducer } from '../with-producer.ts'
import { committed, group, startTransactionCluster, t0 } from './with-transactions.ts'

const good = { ...t0, offset: 5n }

function* throwing() {
  yield good
  throw new InvalidArgumentError('the source failed')
}

const wrong: [unknown, unknown, RegExp][] = [
  [[{ ...good, offset: 2n ** 63n }], group, /offsets\[0\]\.offset must be a bigint from 0n/],
  [[{ ...good, offset: -1n }], group, /got -1n \(bigint\)/],
  [[{ ...good, offset: 5 }], group, /got 5 \(number\)/],
  [[{ ...good, offset: '5' }], group, /got "5" \(string\)/],
  [[good, { ...good, offset: undefined }], group, /offsets\[1\]\.offset/],
  [[{ ...good, leaderEpoch: 1.5 }], group, /leaderEpoch must be a whole number/],
  [[{ ...good, leaderEpoch: 2 ** 31 }], group, /leaderEpoch/],
  [[{ ...good, leaderEpoch: -2 }], group, /leaderEpoch/],
  [[{ ...good, leaderEpoch: '3' }], group, /leaderEpoch/],
  [[{ ...good, metadata: 5 }], group, /metadata must be a string/],
  [[{ ...good, metadata: 'x'.repeat(40_000) }], group, /metadata must be a string of at most/],
  [[{ ...good, partition: -1 }], group, /partition must be a whole number/],
  [[{ ...good, partition: 2 ** 31 }], group, /partition/],
  [[{ ...good, partition: '0' }], group, /partition/],
  [[{ ...good, topic: '' }], group, /topic must be a topic's name/],
  [[{ ...good, topic: 5 }], group, /topic/],
  [[{ ...good, topic: 'x'.repeat(40_000) }], group, /topic/],
  [[null], group, /offsets\[0\] must be an object/],
  [['t-0'], group, /offsets\[0\] must be an object/],
  [{ [Symbol.iterator]: throwing }, group, /the source failed/],
  [null, group, /expects a consumer/],
  [undefined, group, /expects a consumer/],
  ['t', group, /expects a consumer/],
  [5, group, /expects a consumer/],
  [good, group, /expects a consumer/],
  [{ transactionOffsets: 5 }, group, /expects a consumer/],
  [[good], null, /needs the group/],
  [[good], 'g', /needs the group/],
  [[good], { ...group, groupId: '' }, /needs the group/],
  [[good], { ...group, groupId: 'x'.repeat(40_000) }, /needs the group/],
  [[good], { ...group, generationId: 1.5 }, /generationId/],
  [[good], { ...group, generationId: 2 ** 31 }, /generationId/],
  [[good], { ...group, memberId: 5 }, /memberId/],
  [[good], { ...group, groupInstanceId: 5 }, /groupInstanceId/],
]

describe.each([1, 2])('with transaction.version %i', (transactionVersion) => {
  test.each(wrong)(
    '%#: sendOffsets() refuses it, and the transaction continues',
    async (offsets, of, text) => {
      const cluster = await startTransactionCluster(transactionVersion)
      const producer = startProducer(cluster, { transactionalId: 'x' })
      await producer.beginTransaction()
      await producer.send({ ...t0, value: 'a' })
      const sent: unknown = Reflect.apply(producer.sendOffsets, producer, [offsets, of])
      const error = await Promise.resolve(sent).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(InvalidArgumentError)
      expect(String(error)).toMatch(text)
      await producer.sendOffsets(new Set([good]), group)
      await producer.commitTransaction()
      expect(await committed(cluster, 1)).toEqual(['a'])
      expect(cluster.committedOffset('g', 't', 0)).toBe(5n)
    },
  )
})
