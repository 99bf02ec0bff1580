// Calls that ask several brokers or coordinators, of which one fails: what the others said is in the
// error's results, in the form that the call gives when it succeeds.

import { describe, expect, test } from 'vitest'
import type { GroupLag } from '../../src/admin/group-lag.ts'
import type { AdminError } from '../../src/index.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { consumerGroupDescribe } from '../../src/protocol/messages/consumer-group-describe.ts'
import { describeProducers } from '../../src/protocol/messages/describe-producers.ts'
import { describeTransactions } from '../../src/protocol/messages/describe-transactions.ts'
import { listGroups } from '../../src/protocol/messages/list-groups.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { listTransactions } from '../../src/protocol/messages/list-transactions.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import type { TestCluster } from '../../src/testing/test-cluster.ts'
import { type AdminOnCluster, failure, startAdmin } from './with-admin.ts'

const REFUSED = 30

/** Three groups, of which `c` has committed in partition 2, and the others elsewhere. */
async function startGroups(): Promise<AdminOnCluster> {
  const started = await startAdmin()
  for (const [groupId, partition] of [
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ] as const) {
    await started.admin.alterConsumerGroupOffsets(groupId, [
      { topic: 'orders', partition, offset: 0n },
    ])
  }
  return started
}

function outcomes({ results }: AdminError): unknown[] {
  return results.map(({ item, value, error }) => [
    item,
    (value as GroupLag | null)?.totalLag ?? null,
    Reflect.get(Object(error), 'codeName'),
  ])
}

const onlyC = [
  ['group "a"', 0n, undefined],
  ['group "b"', 0n, undefined],
  ['group "c"', null, 'GROUP_AUTHORIZATION_FAILED'],
]

describe('groupLag() has the lag of the other groups when one', () => {
  test('cannot be described', async () => {
    const { admin, cluster } = await startGroups()
    cluster.intercept(consumerGroupDescribe, async ({ next }) => {
      const response = await next()
      for (const group of response.groups) {
        if (group.groupId === 'c') group.errorCode = REFUSED
      }
      return response
    })
    expect(outcomes(await failure<AdminError>(admin.groupLag(['a', 'b', 'c'])))).toEqual(onlyC)
  })

  test('does not give its offsets', async () => {
    const { admin, cluster } = await startGroups()
    cluster.intercept(offsetFetch, async ({ next }) => {
      const response = await next()
      for (const group of response.groups) if (group.groupId === 'c') group.errorCode = REFUSED
      return response
    })
    const error = await failure<AdminError>(admin.groupLag(['a', 'b', 'c']))
    expect(outcomes(error)).toEqual(onlyC)
    expect(error.message).toMatch(/^groupLag\(\): 1 of 3 failed:\n {2}groupLag\(\) of group "c"/)
  })

  test('reads a partition whose end is not known', async () => {
    const { admin, cluster } = await startGroups()
    cluster.intercept(listOffsets, async ({ next }) => {
      const response = await next()
      for (const { partitions } of response.topics) {
        for (const entry of partitions) if (entry.partitionIndex === 2) entry.errorCode = 29
      }
      return response
    })
    const error = await failure<AdminError>(admin.groupLag(['a', 'b', 'c']))
    expect(outcomes(error)).toEqual([
      ...onlyC.slice(0, 2),
      ['group "c"', null, 'TOPIC_AUTHORIZATION_FAILED'],
    ])
  })
})

test('listGroups() has the groups of the other brokers, as it lists them', async () => {
  const { admin, cluster } = await startGroups()
  const listed = await admin.listGroups()
  expect(listed).toHaveLength(3)
  const failing = cluster.coordinatorOf('a')
  cluster.intercept(listGroups, async ({ nodeId, next }) => {
    const response = await next()
    return nodeId === failing ? { ...response, errorCode: REFUSED, groups: [] } : response
  })
  const { results } = await failure<AdminError>(admin.listGroups({ protocolTypes: [''] }))
  expect(results.filter(({ error }) => error !== null)).toMatchObject([
    { item: `the groups of broker ${failing}` },
  ])
  const others = listed.filter(({ groupId }) => cluster.coordinatorOf(groupId) !== failing)
  const given = results.flatMap(({ value }) => value ?? [])
  expect(given).toHaveLength(others.length)
  expect(given).toEqual(expect.arrayContaining(others))
})

test('listTransactions() has those of the other brokers, as it lists them', async () => {
  const { admin, cluster } = await startAdmin()
  cluster.intercept(listTransactions, ({ nodeId }) => ({
    throttleTimeMs: 0,
    errorCode: nodeId === 2 ? REFUSED : 0,
    unknownStateFilters: [],
    transactionStates: [
      { transactionalId: `t${nodeId}`, producerId: BigInt(nodeId), transactionState: 'Ongoing' },
    ],
  }))
  const { results } = await failure<AdminError>(admin.listTransactions())
  expect(results.map(({ value }) => value)).toEqual([
    [{ transactionalId: 't1', producerId: 1n, state: 'Ongoing' }],
    null,
    [{ transactionalId: 't3', producerId: 3n, state: 'Ongoing' }],
  ])
})

describe('findHangingTransactions()', () => {
  /** Partition 0 and 1 have an open transaction of producer 100 and 101. */
  function openTransactions(cluster: TestCluster): void {
    cluster.intercept(describeProducers, async ({ next }) => {
      const response = await next()
      for (const { partitions } of response.topics) {
        for (const entry of partitions) {
          if (entry.partitionIndex === 2) continue
          entry.activeProducers = [
            {
              producerId: BigInt(100 + entry.partitionIndex),
              producerEpoch: 0,
              lastSequence: 1,
              lastTimestamp: 1n,
              coordinatorEpoch: 0,
              currentTxnStartOffset: 0n,
            },
          ]
        }
      }
      return response
    })
    cluster.intercept(listTransactions, ({ nodeId }) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      unknownStateFilters: [],
      transactionStates:
        nodeId === 1
          ? [{ transactionalId: 't0', producerId: 100n, transactionState: 'Ongoing' }]
          : [],
    }))
  }

  test('does not take a transaction for one that hangs when its coordinator cannot be asked', async () => {
    const { admin, cluster } = await startAdmin()
    openTransactions(cluster)
    cluster.intercept(describeTransactions, ({ request }) => ({
      throttleTimeMs: 0,
      transactionStates: request.transactionalIds.map((transactionalId) => ({
        errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        transactionalId,
        transactionState: '',
        transactionTimeoutMs: 0,
        transactionStartTimeMs: -1n,
        producerId: -1n,
        producerEpoch: -1,
        topics: [],
      })),
    }))
    const { results } = await failure<AdminError>(admin.findHangingTransactions())
    expect(results).toMatchObject([
      {
        item: '"orders" partition 0',
        value: null,
        error: { codeName: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' },
      },
      {
        item: '"orders" partition 1',
        value: [{ partition: 1, producerId: 101n, transactionalId: null }],
      },
      { item: '"orders" partition 2', value: [] },
    ])
  })

  test('takes it for one when the coordinator does not know its transactional id any more', async () => {
    const { admin, cluster } = await startAdmin()
    openTransactions(cluster)
    expect(await admin.findHangingTransactions()).toMatchObject([
      { partition: 0, producerId: 100n },
      { partition: 1, producerId: 101n },
    ])
  })
})
