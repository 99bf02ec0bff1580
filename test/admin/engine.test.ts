// The engine under every admin call: each item has its own outcome, what may pass is retried, every wait
// ends, and nothing is sent for arguments that are wrong.

import { describe, expect, test } from 'vitest'
import { AdminError, BrokerError, ClosedError, TimeoutError } from '../../src/errors.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { createTopics } from '../../src/protocol/messages/create-topics.ts'
import { deleteGroups } from '../../src/protocol/messages/delete-groups.ts'
import { deleteRecords } from '../../src/protocol/messages/delete-records.ts'
import { deleteTopics } from '../../src/protocol/messages/delete-topics.ts'
import { describeCluster } from '../../src/protocol/messages/describe-cluster.ts'
import { describeProducers } from '../../src/protocol/messages/describe-producers.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/describe-topic-partitions.ts'
import { listGroups } from '../../src/protocol/messages/list-groups.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { disconnect, noAnswer } from '../../src/testing.ts'
import { failure, startAdmin } from './with-admin.ts'

test("a log directory that is offline may be another broker's soon: asked again", async () => {
  const { admin, cluster } = await startAdmin()
  let left = 2
  cluster.intercept(listOffsets, async ({ next }) => {
    const response = await next()
    if (left-- <= 0) return response
    for (const { partitions } of response.topics) {
      for (const each of partitions) each.errorCode = errorCodes.KAFKA_STORAGE_ERROR
    }
    return response
  })
  const [{ offset }] = await admin.listOffsets([
    { topic: 'orders', partition: 0, offset: 'latest' },
  ])
  expect(offset).toBe(0n)
  expect(cluster.requests(listOffsets)).toHaveLength(3)
})

describe('a leader that does not know of the topic yet, although metadata names it', () => {
  const unknown = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const place = { topic: 'orders', partition: 0 }

  test('is asked again', async () => {
    const { admin, cluster } = await startAdmin()
    let left = 0
    const refuse = (entries: readonly { errorCode: number }[]): void => {
      if (left-- > 0) for (const entry of entries) entry.errorCode = unknown
    }
    cluster.intercept(listOffsets, async ({ next }) => {
      const response = await next()
      refuse(response.topics.flatMap(({ partitions }) => partitions))
      return response
    })
    cluster.intercept(deleteRecords, async ({ next }) => {
      const response = await next()
      refuse(response.topics.flatMap(({ partitions }) => partitions))
      return response
    })
    cluster.intercept(describeProducers, async ({ next }) => {
      const response = await next()
      refuse(response.topics.flatMap(({ partitions }) => partitions))
      return response
    })
    const calls: Record<string, () => Promise<unknown>> = {
      ListOffsets: () => admin.listOffsets([{ ...place, offset: 'latest' }]),
      DeleteRecords: () => admin.deleteRecords([{ ...place, beforeOffset: 0n }]),
      DescribeProducers: () => admin.describeProducers([place]),
    }
    for (const [api, call] of Object.entries(calls)) {
      left = 2
      await call()
      const asked = cluster.requests().filter((request) => request.api === api)
      expect(asked, api).toHaveLength(3)
    }
  })

  test('and the call ends at once when metadata has lost it too', async () => {
    const { admin, cluster } = await startAdmin()
    cluster.intercept(listOffsets, async ({ next }) => {
      const response = await next()
      cluster.deleteTopic('orders')
      response.topics[0].partitions[0].errorCode = unknown
      return response
    })
    const error = await failure<AdminError>(admin.listOffsets([{ ...place, offset: 'latest' }]))
    expect(error.errors[0]).toMatchObject({ codeName: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect(cluster.requests(listOffsets)).toHaveLength(1)
  })
})

test.each([
  { code: errorCodes.REBOOTSTRAP_REQUIRED, passes: true },
  { code: errorCodes.UNKNOWN_SERVER_ERROR, passes: false },
])(
  'metadata refused as a whole with code $code is not taken for empty',
  async ({ code, passes }) => {
    const { admin, cluster } = await startAdmin()
    await admin.describeCluster()
    let left = passes ? 2 : Number.POSITIVE_INFINITY
    cluster.intercept(metadata, async ({ next }) => {
      const response = await next()
      return left-- > 0 ? { ...response, errorCode: code, topics: [], brokers: [] } : response
    })
    const listing = admin.listTopics()
    if (passes) expect((await listing).map(({ topic }) => topic)).toEqual(['orders'])
    else await expect(listing).rejects.toThrow('UNKNOWN_SERVER_ERROR')
    left = passes ? 2 : Number.POSITIVE_INFINITY
    const asking = admin.listGroups()
    if (passes) expect(await asking).toEqual([])
    else await expect(asking).rejects.toThrow('UNKNOWN_SERVER_ERROR')
  },
)

describe('the outcome of each item', () => {
  test('one that fails does not keep the others from being done, and the error has all', async () => {
    const { admin, cluster } = await startAdmin()
    const topics = [{ topic: 'a' }, { topic: 'orders' }, { topic: 'b', numPartitions: 2 }]
    const error = await failure<AdminError>(admin.createTopics(topics))
    expect(error).toBeInstanceOf(AdminError)
    expect(error.code).toBe('ERR_KAFKA_ADMIN')
    expect(error.results.map(({ item, error }) => [item, error?.name ?? null])).toEqual([
      ['topic "a"', null],
      ['topic "orders"', 'BrokerError'],
      ['topic "b"', null],
    ])
    expect(error.errors).toHaveLength(1)
    expect(error.message).toMatch(
      /^createTopics\(\): 1 of 3 failed:\n {2}createTopics\(\) of topic/,
    )
    expect(error.message).toContain('TOPIC_ALREADY_EXISTS')
    expect(error.retriable).toBe(false)
    expect(cluster.requests(createTopics)).toHaveLength(1)
    const listed = await admin.listTopics()
    expect(listed.map(({ topic }) => topic)).toEqual(['a', 'b', 'orders'])
  })

  test('an item that the responses leave out has failed, and others have not', async () => {
    const { admin, cluster } = await startAdmin()
    cluster.intercept(deleteTopics, async ({ next }) => {
      const response = await next()
      const responses = response.responses.filter(({ name }) => name === 'orders')
      return { ...response, responses }
    })
    cluster.createTopic('other')
    const error = await failure<AdminError>(admin.deleteTopics(['orders', 'other']))
    expect(error.results[0].error).toBeNull()
    expect(error.results[1].error?.message).toContain("the broker's response leaves it out")
    expect(cluster.requests(deleteTopics)).toHaveLength(4)
  })

  test('an item that one response leaves out is asked for again, and may have been done', async () => {
    const { admin, cluster } = await startAdmin()
    let left = 3
    const restore = cluster.intercept(createTopics, async ({ next }) =>
      left-- > 0 ? { throttleTimeMs: 0, topics: [] } : next(),
    )
    await admin.createTopics([{ topic: 'a' }])
    restore()
    left = 1
    cluster.intercept(createTopics, async ({ next }) => {
      const response = await next()
      return left-- > 0 ? { throttleTimeMs: 0, topics: [] } : response
    })
    const error = await failure<AdminError>(admin.createTopics([{ topic: 'b' }]))
    expect(error.message).toMatch(/already exists.*An earlier attempt of this call was sent/)
  })

  test('the message shows five errors and counts the rest; one reason is shown once', async () => {
    const { admin } = await startAdmin()
    const names = Array.from({ length: 8 }, (_, i) => `missing-${i}`)
    const error = await failure<AdminError>(admin.describeTopics(names))
    expect(error.message.split('\n')).toHaveLength(7)
    expect(error.message).toContain('... and 3 more')
    expect(error.errors).toHaveLength(8)
  })

  test('a name that is given twice is refused before anything is sent', async () => {
    const { admin, cluster } = await startAdmin()
    await expect(admin.deleteTopics(['orders', 'orders'])).rejects.toThrow(
      'deleteTopics(): topic "orders" is given twice',
    )
    expect(cluster.requests(deleteTopics)).toHaveLength(0)
  })

  test('no items: nothing is sent', async () => {
    const { admin, cluster } = await startAdmin()
    expect(await admin.createTopics([])).toEqual([])
    expect(cluster.requests()).toHaveLength(0)
  })
})

describe('where requests go', () => {
  test('partitions by leader, in one request for each of them', async () => {
    const { admin, cluster } = await startAdmin({ topics: { orders: 12 } })
    const queries = Array.from({ length: 12 }, (_, partition) => ({
      topic: 'orders',
      partition,
      offset: 'latest' as const,
    }))
    const offsets = await admin.listOffsets(queries)
    expect(offsets.map(({ partition }) => partition)).toEqual([...queries.keys()])
    const nodes = cluster.requests(listOffsets).map(({ nodeId }) => nodeId)
    expect(nodes.sort()).toEqual([1, 2, 3])
  })

  test('two offsets of one partition: a request does not hold it twice', async () => {
    const { admin, cluster } = await startAdmin()
    const place = { topic: 'orders', partition: 0 }
    const found = await admin.listOffsets([
      { ...place, offset: 'earliest' },
      { ...place, offset: 'latest' },
    ])
    expect(found.map(({ offset }) => offset)).toEqual([0n, 0n])
    expect(cluster.requests(listOffsets)).toHaveLength(2)
  })

  test('groups by coordinator; the lookup asks for all of them at once', async () => {
    const { admin, cluster } = await startAdmin()
    for (const [i, group] of ['g1', 'g2', 'g3', 'g4'].entries()) {
      cluster.moveCoordinator(group, 1 + (i % 2))
      const offsets = [{ topic: 'orders', partition: 0, offset: 0n }]
      await admin.alterConsumerGroupOffsets(group, offsets)
    }
    cluster.clearRequests()
    await admin.deleteGroups(['g1', 'g2', 'g3', 'g4'])
    const sent = cluster.requests(deleteGroups)
    expect(sent.map(({ nodeId }) => nodeId).sort()).toEqual([1, 2])
  })

  test('a leader that moved is asked again where it is now', async () => {
    const { admin, cluster } = await startAdmin()
    let isFirst = true
    cluster.intercept(listOffsets, async ({ next }) => {
      if (isFirst) cluster.moveLeader('orders', 0, 3)
      isFirst = false
      return next()
    })
    cluster.moveLeader('orders', 0, 1)
    await admin.listOffsets([{ topic: 'orders', partition: 0, offset: 'latest' }])
    expect(cluster.requests(listOffsets).map(({ nodeId }) => nodeId)).toEqual([1, 3])
  })
})

describe('attempts', () => {
  test('only the items that may still succeed are sent again', async () => {
    const { admin, cluster } = await startAdmin()
    let attempts = 0
    cluster.intercept(createTopics, async ({ request, next }) => {
      attempts++
      const response = await next()
      if (attempts > 1) return response
      const topics = response.topics.map((topic, i) =>
        i === 0 ? topic : { ...topic, errorCode: errorCodes.THROTTLING_QUOTA_EXCEEDED },
      )
      for (const { name } of request.topics.slice(1)) cluster.deleteTopic(name)
      return { ...response, topics }
    })
    await admin.createTopics([{ topic: 'a' }, { topic: 'b' }, { topic: 'c' }])
    const sent = cluster.requests(createTopics).map(({ request }) => request.topics)
    expect(sent.map((topics) => topics.map(({ name }) => name))).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ])
  })

  test('a missing topic is not waited for, although the protocol calls it retriable', async () => {
    const { admin } = await startAdmin()
    const startedAt = performance.now()
    const error = await failure<AdminError>(admin.describeTopics(['nope']))
    expect(error.errors[0]).toBeInstanceOf(BrokerError)
    expect((error.errors[0] as BrokerError).codeName).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  test('a response that was lost: the error of the next attempt says what may have happened', async () => {
    const { admin, cluster } = await startAdmin()
    let isFirst = true
    cluster.intercept(createTopics, async ({ next }) => {
      const response = await next()
      if (!isFirst) return response
      isFirst = false
      return disconnect
    })
    const error = await failure(admin.createTopics([{ topic: 'new' }]))
    expect(error.message).toContain('TOPIC_ALREADY_EXISTS')
    expect(error.message).toContain('this call may have done it')
  })

  test('time is up: a TimeoutError with the reason of the last attempt', async () => {
    const { admin, cluster } = await startAdmin()
    cluster.intercept(createTopics, async ({ next }) => {
      const response = await next()
      const topics = response.topics.map((topic) => ({
        ...topic,
        errorCode: errorCodes.NOT_CONTROLLER,
        errorMessage: null,
      }))
      return { ...response, topics }
    })
    const error = await failure<AdminError>(
      admin.createTopics([{ topic: 'a' }], { timeoutMs: 1500 }),
    )
    expect(error.errors[0]).toBeInstanceOf(TimeoutError)
    expect(error.message).toMatch(
      /createTopics\(\) of topic "a" timed out after 1500 ms: .*NOT_CONTROLLER/,
    )
  })

  test('a silent broker: the call ends when its time is up', async () => {
    const { admin, cluster } = await startAdmin()
    cluster.intercept(createTopics, () => noAnswer)
    const startedAt = performance.now()
    const error = await failure<AdminError>(
      admin.createTopics([{ topic: 'a' }], { timeoutMs: 200 }),
    )
    expect(error.errors[0]).toBeInstanceOf(TimeoutError)
    expect(performance.now() - startedAt).toBeLessThan(3000)
  })

  test('defaultApiTimeoutMs is the time of a call that names none', async () => {
    const { admin, cluster } = await startAdmin({ admin: { defaultApiTimeoutMs: 150 } })
    cluster.intercept(createTopics, () => noAnswer)
    const error = await failure(admin.createTopics([{ topic: 'a' }]))
    expect(error.message).toContain('150 ms')
  })

  test('an aborted signal ends the call with its own reason', async () => {
    const { admin, cluster } = await startAdmin()
    const abort = new AbortController()
    cluster.intercept(createTopics, () => {
      abort.abort(new Error('enough'))
      return noAnswer
    })
    const { signal } = abort
    await expect(admin.createTopics([{ topic: 'a' }], { signal })).rejects.toThrow('enough')
    await expect(admin.listTopics({ signal })).rejects.toThrow('enough')
    // Of a call that is not about items, while its request is in flight.
    const later = new AbortController()
    const reason = new Error('enough now')
    cluster.intercept(describeCluster, () => {
      later.abort(reason)
      return noAnswer
    })
    expect(await failure(admin.describeCluster({ signal: later.signal }))).toBe(reason)
  })

  test('close() ends calls that wait, and later ones', async () => {
    const { admin, cluster } = await startAdmin()
    cluster.intercept(createTopics, () => noAnswer)
    const waiting = failure<AdminError>(admin.createTopics([{ topic: 'a' }]))
    await cluster.waitFor(() => cluster.requests(createTopics).length > 0)
    await admin.close()
    expect((await waiting).errors[0]).toBeInstanceOf(ClosedError)
    await expect(admin.listTopics()).rejects.toThrow(ClosedError)
    await admin.close()
  })

  test('addresses that lead nowhere fail at once, not when time is up', async () => {
    const { Kafka } = await import('../../src/kafka.ts')
    const kafka = new Kafka({ bootstrapServers: '127.0.0.1:1' })
    try {
      const startedAt = performance.now()
      await expect(kafka.admin().listTopics()).rejects.toThrow('127.0.0.1:1')
      expect(performance.now() - startedAt).toBeLessThan(5000)
    } finally {
      await kafka.close()
    }
  })

  test.each([-1, Number.NaN, '5', 1n])('timeoutMs %s is refused', async (timeoutMs) => {
    const { admin, cluster } = await startAdmin()
    await expect(admin.listTopics({ timeoutMs: timeoutMs as number })).rejects.toThrow(/timeoutMs/)
    expect(cluster.requests()).toHaveLength(0)
  })
})

describe('calls that ask every broker', () => {
  test('a broker that leaves meanwhile: those that are left are asked again', async () => {
    const { admin, cluster } = await startAdmin()
    await admin.alterConsumerGroupOffsets('g', [{ topic: 'orders', partition: 0, offset: 0n }])
    let isFirst = true
    cluster.intercept(listGroups, async ({ next, nodeId }) => {
      if (nodeId === 3 && isFirst) {
        isFirst = false
        setImmediate(() => void cluster.stopNode(3))
        return noAnswer
      }
      return next()
    })
    const groups = await admin.listGroups({ timeoutMs: 20_000 })
    expect(groups.map(({ groupId }) => groupId)).toEqual(['g'])
    const asked = cluster.requests(listGroups).map(({ nodeId }) => nodeId)
    expect(asked.filter((nodeId) => nodeId === 1).length).toBeGreaterThan(1)
  }, 30_000)

  test('a lost response of a call that only asks is not called a change', async () => {
    const { admin, cluster } = await startAdmin()
    let isFirst = true
    cluster.intercept(describeTopicPartitions, ({ next }) => {
      const wasFirst = isFirst
      isFirst = false
      return wasFirst ? disconnect : next()
    })
    const error = await failure(admin.describeTopics(['nope']))
    expect(isFirst, 'it was asked').toBe(false)
    expect(error.message).not.toContain('may have done it')
  })

  test('a broker is given less time than the call waits for its response', async () => {
    const { admin, cluster } = await startAdmin()
    await admin.createTopics([{ topic: 'timed' }], { timeoutMs: 10_000 })
    const { timeoutMs } = cluster.requests(createTopics)[0].request
    expect(timeoutMs).toBeGreaterThan(7000)
    expect(timeoutMs).toBeLessThan(9100)
  })
})
