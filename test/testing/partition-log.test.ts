import { describe, expect, test } from 'vitest'
import { encodeEndTransactionMarker } from '../../src/records/control-record.ts'
import { resolveBrokerProperties } from '../../src/testing/broker-properties.ts'
import { PartitionLog } from '../../src/testing/partition-log.ts'
import { TopicConfig } from '../../src/testing/topic-config.ts'
import { batch, sequenced } from './requests.ts'

const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const now = 1_000_000

function emptyLog(configs: Record<string, string> = {}): PartitionLog {
  const config = new TopicConfig(Object.entries(configs), resolveBrokerProperties())
  return new PartitionLog('t', 'AAAAAAAAAAAAAAAAAAAAAQ', 0, config)
}

/** Appends what needs no waiting: no codec here works off the main thread. */
function append(
  ...[log, ...given]: [PartitionLog, ...Parameters<PartitionLog['appendFromClient']>]
) {
  const result = log.appendFromClient(...given)
  if (result instanceof Promise) throw new Error('the append is not done yet')
  return result
}

function marker(producerId: bigint, epoch: number, type: 'COMMIT' | 'ABORT'): Buffer {
  const { key, value } = encodeEndTransactionMarker(type, 0)
  return batch([''], {
    attributes: TRANSACTIONAL | CONTROL,
    producerId,
    producerEpoch: epoch,
    records: [{ timestampDelta: 0n, offsetDelta: 0, key, value, headers: [] }],
  })
}

describe('what a client sends', () => {
  test('gets its offsets and the leader epoch in the log, not in the request', () => {
    const log = emptyLog()
    log.startEpoch(4)
    const sent = batch(['a', 'b'])
    const copy = Buffer.from(sent)
    append(log, sent, now)
    expect(append(log, sent, now)).toEqual({
      errorCode: 0,
      errorMessage: null,
      baseOffset: 2n,
      logAppendTimeMs: -1n,
      logStartOffset: 0n,
      recordErrors: [],
    })
    expect(sent).toEqual(copy)
    expect(log.batches[1].readBigInt64BE(0)).toBe(2n)
    expect(log.batches[1].readInt32BE(12)).toBe(4)
    expect(log.logEndOffset).toBe(4n)
  })

  const flipped = batch(['a'])
  flipped[flipped.length - 2] ^= 1
  const oldMagic = batch(['a'])
  oldMagic[16] = 1
  test.each([
    ['nothing', null, 87],
    ['no bytes', Buffer.alloc(0), 87],
    ['a batch cut off', batch(['a']).subarray(0, 65), 87],
    ['two batches', Buffer.concat([batch(['a']), batch(['b'])]), 87],
    ['a base offset', batch(['a'], { baseOffset: 1n }), 87],
    ['no record', batch([], { lastOffsetDelta: 0 }), 87],
    ['offsets that are not the count', batch(['a'], { lastOffsetDelta: 1 }), 87],
    ['a control batch', marker(1n, 0, 'ABORT'), 87],
    ['a producer without a sequence', batch(['a'], { producerId: 1n, producerEpoch: 0 }), 87],
    ['an older format', oldMagic, 87],
    ['a flipped bit', flipped, 2],
    ['more than max.message.bytes', batch(['x'.repeat(1000)]), 10],
    ['a time more than an hour ahead', batch(['a'], { baseTimestamp: 4_600_001n }), 32],
  ])('%s is refused and changes nothing', (_, records, errorCode) => {
    const log = emptyLog({ 'max.message.bytes': '500' })
    const result = append(log, records, now)
    expect(result.errorCode).toBe(errorCode)
    expect(result.baseOffset).toBe(-1n)
    expect(log.logEndOffset).toBe(0n)
  })

  test('of records whose times are out of range each is named', () => {
    const log = emptyLog()
    const times = [0n, 3_600_001n, 5n, 3_600_000n].map((time) => BigInt(now) + time)
    const sent = batch([], {
      lastOffsetDelta: 3,
      baseTimestamp: BigInt(now),
      maxTimestamp: times[1],
      records: times.map((time, i) => ({
        timestampDelta: time - BigInt(now),
        offsetDelta: i,
        key: null,
        value: 'x',
        headers: [],
      })),
    })
    const { errorCode, recordErrors } = append(log, sent, now)
    expect(errorCode).toBe(32)
    expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1])
  })

  test('a duplicate is answered with its first offset, an error with the start of the log', () => {
    const log = emptyLog()
    append(log, sequenced(7n, 0, 0, 2), now)
    append(log, sequenced(7n, 0, 2, 2), now)
    log.deleteRecordsBefore(1n)
    const again = append(log, sequenced(7n, 0, 0, 2), now)
    expect(again).toMatchObject({
      errorCode: 0,
      baseOffset: 0n,
      logAppendTimeMs: 1001n, // a real broker's quirk: the batch's greatest time
      logStartOffset: 1n,
    })
    expect(log.logEndOffset).toBe(4n)
    const gap = append(log, sequenced(7n, 0, 9, 1), now)
    expect(gap).toMatchObject({ errorCode: 45, baseOffset: -1n, logStartOffset: 1n })
  })

  test('the broker stamps its own time where the topic says so', async () => {
    const log = emptyLog({ 'message.timestamp.type': 'LogAppendTime' })
    expect(append(log, batch(['a', 'b']), now).logAppendTimeMs).toBe(BigInt(now))
    const [decoded] = await log.decode()
    expect(decoded.maxTimestamp).toBe(BigInt(now))
    expect(decoded.attributes & 8).toBe(8)
    expect(await log.findTimestamp(BigInt(now))).toMatchObject({ offset: 0n })
  })
})

describe('reading', () => {
  const size = batch(['a']).length

  test('cuts off the last batch at the limit, but never the first of an answer', () => {
    const log = emptyLog()
    for (const value of ['a', 'b', 'c']) log.append(batch([value]))
    const [a, b] = log.batches
    const read = (offset: bigint, maxBytes: number, wholeFirst: boolean): Buffer =>
      log.read(offset, maxBytes, wholeFirst, 'read_uncommitted').records
    expect(read(0n, size + 10, false)).toEqual(Buffer.concat([a, b.subarray(0, 10)]))
    expect(read(0n, size - 1, false).length).toBe(0)
    expect(read(0n, 1, true)).toEqual(a)
    expect(read(1n, 10 * size, false).length).toBe(2 * size)
    expect(read(3n, size, true).length).toBe(0)
  })

  test('out of range is before the start and behind the end', () => {
    const log = emptyLog()
    log.append(batch(['a', 'b', 'c']))
    log.deleteRecordsBefore(1n)
    const code = (offset: bigint): number =>
      log.read(offset, 1000, true, 'read_uncommitted').errorCode
    expect([0n, 1n, 3n, 4n].map(code)).toEqual([1, 0, 0, 1])
  })

  test('an open transaction hides what follows from read_committed', () => {
    const log = emptyLog()
    log.append(batch(['a']))
    log.append(sequenced(5n, 0, 0, 1, { attributes: TRANSACTIONAL }))
    log.append(batch(['b']))
    expect(log.lastStableOffset).toBe(1n)
    const committed = (): number => log.read(0n, 1e6, true, 'read_committed').records.length
    expect(committed()).toBe(size)
    expect(log.read(2n, 1e6, true, 'read_committed').records.length).toBe(0)
    log.append(marker(5n, 0, 'ABORT'))
    expect(log.lastStableOffset).toBe(4n)
    expect(committed()).toBeGreaterThan(3 * size)
    expect(log.abortedAfter(0n)).toEqual([{ producerId: 5n, firstOffset: 1n, lastOffset: 3n }])
    expect(log.abortedAfter(4n)).toEqual([])
  })

  test('a commit, or an abort of nothing, is no aborted transaction', () => {
    const log = emptyLog()
    log.append(sequenced(5n, 0, 0, 1, { attributes: TRANSACTIONAL }))
    log.append(marker(5n, 0, 'COMMIT'))
    log.append(marker(5n, 0, 'ABORT'))
    expect(log.abortedTransactions).toEqual([])
  })

  test('offsets kept make holes, and a fetch into one gets what follows', () => {
    const log = emptyLog()
    log.append(batch(['a'], { baseOffset: 5n, lastOffsetDelta: 4 }), { keepOffsets: true })
    log.append(batch(['b'], { baseOffset: 20n }), { keepOffsets: true })
    expect(log.logEndOffset).toBe(21n)
    expect(log.read(12n, 1e6, false, 'read_uncommitted').records).toEqual(log.batches[1])
    expect(() => log.append(batch(['c']), { keepOffsets: true })).toThrow(/ends at 21/)
  })
})

describe('time', () => {
  test('the first record at or after a time, and the first with the greatest', async () => {
    const log = emptyLog()
    log.append(batch(['a', 'b', 'c'], { baseTimestamp: 100n, maxTimestamp: 102n }))
    log.append(batch(['d'], { baseTimestamp: 500n, maxTimestamp: 500n }))
    log.append(batch(['e'], { baseTimestamp: 200n, maxTimestamp: 200n }))
    const find = async (time: bigint): Promise<unknown> => (await log.findTimestamp(time))?.offset
    expect(await Promise.all([0n, 101n, 103n, 201n, 501n].map(find))).toEqual([
      0n,
      1n,
      3n,
      3n,
      undefined,
    ])
    expect(await log.findMaxTimestamp()).toEqual({ timestamp: 500n, offset: 3n, leaderEpoch: 0 })
    expect(await emptyLog().findMaxTimestamp()).toBe(null)
  })
})

describe('truncation', () => {
  test('takes records, sequences and epochs that are cut off', () => {
    const log = emptyLog()
    log.append(sequenced(7n, 0, 0, 2))
    log.startEpoch(1)
    log.append(sequenced(7n, 0, 2, 2))
    log.truncateTo(2n)
    log.startEpoch(2)
    expect(log.logEndOffset).toBe(2n)
    expect(log.endOfEpoch(1)).toEqual({ leaderEpoch: 0, endOffset: 2n })
    const again = append(log, sequenced(7n, 0, 2, 2), now)
    expect(again).toMatchObject({ errorCode: 0, baseOffset: 2n })
    expect(log.logEndOffset).toBe(4n)
  })

  test('gives back an open transaction whose marker is cut off', () => {
    const log = emptyLog()
    log.append(sequenced(5n, 0, 0, 1, { attributes: TRANSACTIONAL }))
    log.append(marker(5n, 0, 'ABORT'))
    log.truncateTo(1n)
    expect(log.lastStableOffset).toBe(0n)
    expect(log.abortedTransactions).toEqual([])
  })

  test('everyone who waits hears of it', () => {
    const log = emptyLog()
    let heard = 0
    const stop = log.onChange(() => heard++)
    log.append(batch(['a']))
    log.truncateTo(0n)
    log.startEpoch(1)
    log.delete()
    expect(heard).toBe(4)
    stop()
    log.append(batch(['a']))
    expect(heard).toBe(4)
  })
})
