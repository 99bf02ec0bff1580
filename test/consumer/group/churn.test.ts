// Members come and go while leaders and the coordinator move and connections are cut: every record is
// delivered, in order within an assignment, and the committed offset never falls.

import { afterEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { PartitionAssignor } from '../../../src/consumer/options.ts'
import type { AnyApi } from '../../../src/protocol/api.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { disconnect } from '../../../src/testing/interceptors.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

const partitions = [0, 1, 2, 3, 4, 5]
const lossy: AnyApi[] = [joinGroup, syncGroup, heartbeat, offsetCommit, offsetFetch, fetch]

/** A generator with a seed, so that a failure can be repeated. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

describe('under churn', () => {
  let cluster: TestCluster
  afterEach(() => cluster.close())

  for (const assignor of ['range', 'cooperative-sticky'] as PartitionAssignor[]) {
    for (const seed of (process.env.CHURN_SEEDS ?? '1').split(',').map(Number)) {
      it(`a group of ${assignor} members loses nothing (seed ${seed})`, async () => {
        cluster = await TestCluster.start({
          nodes: 3,
          topics: { t: partitions.length },
          properties: { groupMinSessionTimeoutMs: 1 },
        })
        const random = randomOf(seed)
        const delivered = new Map<string, number>()
        const problems: string[] = []
        const members = new Map<Consumer, Promise<void>>()
        const errors: unknown[] = []

        const join = (): void => {
          const last = new Map<number, { offset: bigint; signal: AbortSignal }>()
          const consumer = consumerOf(cluster, {
            groupId: 'g',
            topics: ['t'],
            partitionAssignors: [assignor],
            autoCommitIntervalMs: 10,
            sessionTimeoutMs: 2000,
            maxPollRecords: 1 + random(20),
            maxPartitionFetchBytes: 2000,
            onError: (error) => void errors.push(error),
          })
          const work = async (): Promise<void> => {
            for await (const record of consumer) {
              const { partition, offset } = record
              const signal = consumer.assignmentSignal(record)
              const before = last.get(partition)
              if (before?.signal === signal && offset !== before.offset + 1n) {
                problems.push(`${partition}: ${offset} after ${before.offset}`)
              }
              last.set(partition, { offset, signal })
              const text = textOf(record)
              delivered.set(text, (delivered.get(text) ?? 0) + 1)
              if (random(20) === 0) await new Promise((resolve) => setTimeout(resolve, random(5)))
            }
          }
          members.set(consumer, work())
        }
        const leave = async (): Promise<void> => {
          const [consumer] = [...members.keys()].slice(random(members.size))
          const work = members.get(consumer)
          members.delete(consumer)
          await consumer.close()
          await work
        }

        const highest = new Map<number, bigint>()
        const watch = setInterval(() => {
          for (const p of partitions) {
            const now = cluster.committedOffset('g', 't', p) ?? 0n
            if (now < (highest.get(p) ?? 0n)) problems.push(`commit of ${p} fell to ${now}`)
            highest.set(p, now)
          }
        }, 2)

        const expected: string[] = []
        try {
          join()
          join()
          for (let round = 0; round < 25; round++) {
            for (const p of partitions) expected.push(...(await fill(cluster, 't', p, random(40))))
            const p = partitions[random(partitions.length)]
            const node = 1 + random(3)
            const fault = random(9)
            if (fault === 0) cluster.moveLeader('t', p, node)
            else if (fault === 1) cluster.disconnectAll(node)
            else if (fault === 2) cluster.moveCoordinator('g', node)
            else if (fault === 3 && members.size < 5) join()
            else if (fault === 4 && members.size > 1) await leave()
            else if (fault === 5) cluster.forgetFetchSessions()
            else if (fault === 6) {
              // The next answer of one kind is lost, after it took effect.
              const remove = cluster.intercept<unknown, unknown>(
                lossy[random(lossy.length)],
                async ({ next }) => {
                  remove()
                  await next()
                  return disconnect
                },
              )
            } else if (fault === 7) {
              await cluster.stopNode(node)
              await new Promise((resolve) => setTimeout(resolve, random(60)))
              await cluster.startNode(node)
            }
            await new Promise((resolve) => setTimeout(resolve, random(40)))
          }
          await cluster.waitFor(() => delivered.size === expected.length, { timeoutMs: 15_000 })
          await cluster.waitFor(() =>
            partitions.every(
              (p) =>
                (cluster.committedOffset('g', 't', p) ?? 0n) ===
                cluster.partition('t', p).highWatermark,
            ),
          )
          while (members.size > 0) await leave()
        } finally {
          clearInterval(watch)
          await Promise.all([...members.keys()].map((consumer) => consumer.close()))
        }
        expect(problems).toEqual([])
        expect([...delivered.keys()].toSorted()).toEqual(expected.toSorted())
        for (const p of partitions) {
          expect(cluster.committedOffset('g', 't', p)).toBe(cluster.partition('t', p).highWatermark)
        }
      }, 40_000)
    }
  }
})
