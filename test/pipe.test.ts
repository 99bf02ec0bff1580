// kafka.pipe() against the in-process broker: each input has its effect once, whatever happens between.

import { expect, onTestFinished, test } from 'vitest'
import type { Consumer } from '../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../src/consumer/options.ts'
import { FencedError, InvalidArgumentError, TimeoutError } from '../src/errors.ts'
import { Kafka } from '../src/kafka.ts'
import type { PipeOptions } from '../src/pipe.ts'
import type { Producer } from '../src/producer/producer.ts'
import type { ProducerRecord } from '../src/producer/record.ts'
import { errorCodes } from '../src/protocol/error-codes.ts'
import { endTxn } from '../src/protocol/messages/end-txn.ts'
import { txnOffsetCommit } from '../src/protocol/messages/txn-offset-commit.ts'
import type { ConsumerRecord } from '../src/records/consumer-record.ts'
import { disconnect } from '../src/testing/interceptors.ts'
import type { TestCluster } from '../src/testing/test-cluster.ts'
import { batchOf, consumerOf, fill, take, textOf } from './consumer/harness.ts'
import { startCluster } from './producer/with-producer.ts'

/** A cluster with `in` and `out`, and what one process has of it. */
async function start(partitions = 2, transactionVersion: 1 | 2 = 2) {
  const cluster = await startCluster({
    topics: { in: partitions, out: 1 },
    properties: { transactionVersion },
  })
  const open = () => {
    const kafka = new Kafka({
      bootstrapServers: cluster.bootstrapServers,
      retryBackoffMs: 5,
      retryBackoffMaxMs: 20,
      reconnectBackoffMs: 5,
      reconnectBackoffMaxMs: 20,
    })
    onTestFinished(() => kafka.close())
    return {
      kafka,
      producer: (transactionalId = 'copy'): Producer =>
        kafka.producer({ transactionalId, lingerMs: 0, maxBlockMs: 1000 }),
      consumer: (options: ConsumerOptions = {}): Consumer =>
        kafka.consumer({
          groupId: 'g',
          topics: ['in'],
          enableAutoCommit: false,
          autoOffsetReset: 'earliest',
          fetchMaxWaitMs: 50,
          heartbeatIntervalMs: 50,
          ...options,
        }),
    }
  }
  return { cluster, open, ...open() }
}

function copies(records: readonly ConsumerRecord[]): ProducerRecord[] {
  return records.map((record) => ({ topic: 'out', partition: 0, value: textOf(record) }))
}

/** The first `count` records of the output that are committed, sorted. */
async function copied(cluster: TestCluster, count: number): Promise<string[]> {
  const consumer = consumerOf(cluster, { isolationLevel: 'read_committed' })
  consumer.assign([{ topic: 'out', partition: 0 }])
  try {
    return (await take(consumer, count)).sort()
  } finally {
    await consumer.close({ timeoutMs: 100 })
  }
}

/** A signal that aborts once so many inputs are committed, and all that was seen on the way. */
function until(count: number): {
  options: Required<Pick<PipeOptions, 'signal' | 'onCommit' | 'onAbort'>>
  commits: number[]
  aborts: Error[]
} {
  const stop = new AbortController()
  const commits: number[] = []
  const aborts: Error[] = []
  let done = 0
  const options = {
    signal: stop.signal,
    onCommit: ({ records }: { records: number }) => {
      commits.push(records)
      done += records
      if (done >= count) stop.abort()
    },
    onAbort: (error: Error) => {
      aborts.push(error)
    },
  }
  return { options, commits, aborts }
}

test.each([1, 2] as const)('copies all, transaction.version %i', async (version) => {
  const { cluster, kafka, producer, consumer } = await start(2, version)
  const inputs = [...(await fill(cluster, 'in', 0, 50)), ...(await fill(cluster, 'in', 1, 30))]
  const end = until(80)
  // No transaction ends by time, however busy the machine is.
  const limits = { maxTransactionRecords: 20, maxWaitMs: 60_000 }
  const options = { producer: producer(), ...limits, ...end.options }
  await kafka.pipe(consumer({ maxPollRecords: 10 }), copies, options)
  expect(await copied(cluster, 80)).toEqual(inputs.sort())
  expect(end.commits).toEqual([20, 20, 20, 20])
  expect(end.aborts).toEqual([])
  expect(cluster.committedOffset('g', 'in', 0)).toBe(50n)
  expect(cluster.committedOffset('g', 'in', 1)).toBe(30n)
})

test('async hooks that reject are logged, and the process lives', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  await fill(cluster, 'in', 0, 5)
  const unhandled: unknown[] = []
  const watch = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', watch)
  onTestFinished(() => void process.off('unhandledRejection', watch))
  const end = until(5)
  await kafka.pipe(consumer(), copies, {
    producer: producer(),
    ...end.options,
    onCommit: async (commit) => {
      end.options.onCommit?.(commit)
      throw new Error('a metric that is not there')
    },
  })
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(unhandled).toEqual([])
  expect(end.commits).toEqual([5])
})

test('ends a transaction by time, waits for its first record without one', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  const end = until(8)
  const piping = kafka.pipe(consumer(), copies, {
    producer: producer(),
    maxWaitMs: 20,
    ...end.options,
  })
  await fill(cluster, 'in', 0, 3)
  await cluster.waitFor(() => end.commits.length > 0)
  expect(end.commits).toEqual([3])
  expect(cluster.requests(endTxn)).toHaveLength(1)
  await fill(cluster, 'in', 0, 5)
  await piping
  expect(end.commits).toEqual([3, 5])
  expect(cluster.committedOffset('g', 'in', 0)).toBe(8n)
})

test('what a handler throws ends it, and nothing of its transaction is there', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  const inputs = await fill(cluster, 'in', 0, 30)
  const writer = producer()
  const reader = consumer({ maxPollRecords: 10 })
  const mine = new Error('mine')
  const seen: string[] = []
  const handle = (records: readonly ConsumerRecord[]) => {
    seen.push(textOf(records[0]))
    if (seen.length === 2) throw mine
    return copies(records)
  }
  const options = { producer: writer, maxTransactionRecords: 30 }
  await expect(kafka.pipe(reader, handle, options)).rejects.toBe(mine)
  expect(cluster.committedOffset('g', 'in', 0)).toBe(null)
  // The same two go on where it began.
  await kafka.pipe(reader, handle, { ...options, ...until(30).options })
  expect(seen).toEqual([inputs[0], inputs[10], inputs[0], inputs[10], inputs[20]])
  expect(await copied(cluster, 30)).toEqual(inputs.sort())
})

const unknownCode = 30_000

test.each([
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.REBALANCE_IN_PROGRESS,
  errorCodes.UNKNOWN_SERVER_ERROR,
  errorCodes.INVALID_PRODUCER_ID_MAPPING,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.TRANSACTION_ABORTABLE,
  unknownCode,
])('a transaction that has to be aborted is done again: code %i', async (code) => {
  const { cluster, kafka, producer, consumer } = await start(1)
  const inputs = await fill(cluster, 'in', 0, 20)
  let count = 0
  cluster.intercept(txnOffsetCommit, async (call) => {
    const answer = await call.next()
    if (count++ > 0) return answer
    for (const topic of answer.topics) {
      for (const partition of topic.partitions) {
        partition.errorCode = code
      }
    }
    return answer
  })
  const end = until(20)
  await kafka.pipe(consumer(), copies, {
    producer: producer(),
    maxTransactionRecords: 20,
    ...end.options,
  })
  expect(await copied(cluster, 20)).toEqual(inputs.sort())
  expect(end.aborts).toHaveLength(1)
  expect(String(end.aborts[0])).toContain(`[${code}]`)
})

test('what a generator of outputs throws ends it, retriable or not', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  await fill(cluster, 'in', 0, 3)
  const mine = new TimeoutError('a request of the handler timed out')
  let calls = 0
  function* outputs() {
    calls++
    yield { topic: 'out', partition: 0, value: 'first' }
    throw mine
  }
  const piping = kafka.pipe(consumer(), outputs, { producer: producer() })
  await expect(piping).rejects.toBe(mine)
  expect(calls).toBe(1)
  expect(cluster.committedOffset('g', 'in', 0)).toBe(null)
})

test('what no retry can mend ends it', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  await fill(cluster, 'in', 0, 1)
  cluster.intercept(txnOffsetCommit, async (call) => {
    const answer = await call.next()
    answer.topics[0].partitions[0].errorCode = errorCodes.GROUP_AUTHORIZATION_FAILED
    return answer
  })
  const piping = kafka.pipe(consumer(), copies, { producer: producer(), maxTransactionRecords: 1 })
  await expect(piping).rejects.toThrow('GROUP_AUTHORIZATION_FAILED')
})

test('a partition whose records cannot be read does not keep the others from being copied', async () => {
  const { cluster, kafka, producer, consumer } = await start(2)
  const before = await fill(cluster, 'in', 1, 10)
  const damaged = await batchOf(['damaged'])
  damaged[damaged.length - 2] ^= 1
  cluster.partition('in', 1).append(damaged)
  await fill(cluster, 'in', 1, 10)
  const reader = consumer()
  const end = until(60)
  const running = kafka.pipe(reader, copies, { producer: producer(), ...end.options })
  const others: string[] = []
  for (let round = 0; round < 5; round++) {
    others.push(...(await fill(cluster, 'in', 0, 10)))
    await cluster.waitFor(() => cluster.committedOffset('g', 'in', 0) === BigInt(others.length))
  }
  await running
  expect(await copied(cluster, 60)).toEqual([...before, ...others].sort())
  expect(end.aborts).toEqual([])
  expect(cluster.committedOffset('g', 'in', 1)).toBe(10n)
  expect(reader.health().problems).toMatchObject([
    { topic: 'in', partition: 1, reason: expect.stringMatching(/CRC/) },
  ])
})

test('a producer that has failed for good ends it with an error, not in peace', async () => {
  const { kafka, producer, consumer, cluster } = await start(1)
  await fill(cluster, 'in', 0, 1)
  const writer = producer('one')
  await writer.initTransactions()
  // Another one takes over: this one can do nothing more.
  await producer('one').initTransactions()
  await expect(kafka.pipe(consumer(), copies, { producer: writer })).rejects.toThrow()
  await expect(kafka.pipe(consumer(), copies, { producer: writer })).rejects.toThrow()
})

test('a producer that was closed ends it in peace', async () => {
  const { kafka, producer, consumer, cluster } = await start(1)
  await fill(cluster, 'in', 0, 1)
  const writer = producer()
  await writer.close()
  await kafka.pipe(consumer(), copies, { producer: writer })
})

test('a commit whose outcome is not known is learned, not repeated', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  const inputs = await fill(cluster, 'in', 0, 20)
  let count = 0
  let isCutOff = true
  let commitBegan = (): void => {}
  const began = new Promise<void>((resolve) => {
    commitBegan = resolve
  })
  // All answers of the first commit are lost, for longer than a call may take.
  cluster.intercept(endTxn, async (call) => {
    const answer = await call.next()
    count++
    commitBegan()
    return isCutOff ? disconnect : answer
  })
  const end = until(20)
  const piping = kafka.pipe(consumer(), copies, {
    producer: producer(),
    maxTransactionRecords: 20,
    ...end.options,
  })
  const healed = began
    .then(() => new Promise((resolve) => setTimeout(resolve, 1300)))
    .then(() => {
      isCutOff = false
    })
  await Promise.all([piping, healed])
  expect(count).toBeGreaterThan(1)
  expect(end.commits).toEqual([20])
  expect(end.aborts).toEqual([])
  expect(cluster.partition('out', 0).highWatermark).toBe(21n)
  expect(await copied(cluster, 20)).toEqual(inputs.sort())
})

test('partitions that are taken away in the middle of a transaction are copied once', async () => {
  const { cluster, kafka, producer, consumer, open } = await start(2)
  const inputs = [...(await fill(cluster, 'in', 0, 10)), ...(await fill(cluster, 'in', 1, 10))]
  const other = open()
  let done = 0
  const stop = new AbortController()
  const onCommit = ({ records }: { records: number }) => {
    done += records
    if (done >= 20) stop.abort()
  }
  const aborts: Error[] = []
  const options = { onCommit, signal: stop.signal, onAbort: (error: Error) => aborts.push(error) }
  // What the second one needs before it can join is done before the first one begins.
  const late = { consumer: other.consumer(), producer: other.producer('two') }
  await late.producer.initTransactions()
  await late.consumer.connect()
  const first = kafka.pipe(
    consumer({ maxPollRecords: 5 }),
    (records) => copies(records),
    // Never full, and open for as long as the second one needs to join.
    { producer: producer('one'), maxTransactionRecords: 1000, maxWaitMs: 3000, ...options },
  )
  await cluster.waitFor(() => cluster.partition('out', 0).highWatermark > 0n)
  const second = other.kafka.pipe(late.consumer, copies, {
    producer: late.producer,
    ...options,
  })
  await Promise.all([first, second])
  expect(aborts.length).toBeGreaterThan(0)
  expect(done).toBe(20)
  expect(await copied(cluster, 20)).toEqual(inputs.sort())
})

test('one that has been replaced is fenced, and writes nothing more', async () => {
  const { cluster, kafka, producer, consumer, open } = await start(1)
  await fill(cluster, 'in', 0, 10)
  const other = open()
  let go: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  let isInside = false
  const handle = async (records: readonly ConsumerRecord[]) => {
    isInside = true
    await gate
    return copies(records)
  }
  const zombie = kafka.pipe(consumer(), handle, { producer: producer() })
  const fenced = expect(zombie).rejects.toBeInstanceOf(FencedError)
  await cluster.waitFor(() => isInside)
  await other.producer().initTransactions()
  go()
  await fenced
  expect(cluster.committedOffset('g', 'in', 0)).toBe(null)
})

test('ends when its consumer is closed', async () => {
  const { cluster, kafka, producer, consumer } = await start(1)
  await fill(cluster, 'in', 0, 10)
  const reader = consumer()
  const end = until(1000)
  const piping = kafka.pipe(reader, copies, { producer: producer(), ...end.options })
  await cluster.waitFor(() => end.commits.length > 0)
  await reader.close()
  await piping
  const again = kafka.pipe(reader, copies, { producer: producer('next') })
  await expect(again).rejects.toThrow('closed')
})

test.each(['in its handler', 'between two transactions', 'in a commit'])(
  'ends when all is closed %s, and what was open is not there',
  async (where) => {
    const { cluster, kafka, producer, consumer } = await start(1)
    await fill(cluster, 'in', 0, 10)
    let isThere = false
    let go: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      go = resolve
    })
    const handle = async (records: readonly ConsumerRecord[]) => {
      isThere = where === 'in its handler'
      if (isThere) await gate
      return copies(records)
    }
    cluster.intercept(endTxn, async (call) => {
      if (where !== 'in a commit') return call.next()
      isThere = true
      await gate
      return call.next()
    })
    const onCommit = () => {
      isThere = true
    }
    const piping = kafka.pipe(consumer(), handle, { producer: producer(), onCommit })
    await cluster.waitFor(() => isThere)
    const closing = kafka.close()
    setTimeout(go, 100)
    await Promise.all([closing, piping])
    const isDone = where !== 'in its handler'
    expect(cluster.committedOffset('g', 'in', 0)).toBe(isDone ? 10n : null)
  },
)

test('refuses what cannot be exactly once', async () => {
  const { kafka, producer, consumer } = await start(1)
  const options = { producer: producer() }
  const commits = consumer({ enableAutoCommit: true })
  await expect(kafka.pipe(commits, copies, options)).rejects.toThrow('enableAutoCommit: false')
  const alone = kafka.consumer({ enableAutoCommit: false })
  await expect(kafka.pipe(alone, copies, options)).rejects.toThrow('groupId')
  for (const wrong of [
    { maxTransactionRecords: 0 },
    { maxRecords: 5 },
    { maxWaitMs: '5' },
    { onCommit: 5 },
    { signal: {} },
    { producer: {} },
    { producer: null },
    { maxTransactionRecords: 1.5 },
    { maxWaitMs: -1 },
    { maxWaitMs: Number.NaN },
  ]) {
    const piping = kafka.pipe(consumer(), copies, { ...options, ...(wrong as object) })
    await expect(piping).rejects.toBeInstanceOf(InvalidArgumentError)
  }
  const plain = kafka.pipe(consumer(), copies, { producer: kafka.producer() })
  await expect(plain).rejects.toThrow('transactionalId')
})

test.each([
  ['a number', () => 5, 'got 5 (number)'],
  ['an async generator', async function* () {}, 'got an object'],
])('a handler that returns %s is told what it has to return', async (_, handle, got) => {
  const { cluster, open } = await start()
  await fill(cluster, 'in', 0, 1)
  const { kafka, producer, consumer } = open()
  const options = { producer: producer() }
  // @ts-expect-error: not what a handler may return
  const piping = kafka.pipe(consumer(), handle, options)
  await expect(piping).rejects.toThrow(InvalidArgumentError)
  await expect(piping).rejects.toThrow('must return records (an array or another iterable)')
  await expect(piping).rejects.toThrow(got)
})
