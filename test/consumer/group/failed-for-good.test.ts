// What becomes of partitions when the consumer fails for good while they are being taken away or taken up.

import { describe, expect, it, onTestFinished } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/messages/consumer-group-heartbeat.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import type { TopicPartition } from '../../../src/types.ts'
import { consumerOf, fill, latch } from '../harness.ts'

const GROUP_AUTHORIZATION_FAILED = 30

const list = (partitions: readonly TopicPartition[]): string =>
  partitions.map(({ partition }) => partition).join()

describe.each(['classic', 'consumer'] as const)(
  'a member (%s) that is refused for good',
  (groupProtocol) => {
    async function start(): Promise<TestCluster> {
      const cluster = await TestCluster.start({
        topics: { t: 2 },
        properties: { groupMinSessionTimeoutMs: 1, groupConsumerHeartbeatIntervalMs: 50 },
      })
      onTestFinished(() => cluster.close())
      await fill(cluster, 't', 0, 2)
      await fill(cluster, 't', 1, 2)
      return cluster
    }

    function member(cluster: TestCluster, options: ConsumerOptions = {}): Consumer {
      const interval = groupProtocol === 'consumer' ? { heartbeatIntervalMs: undefined } : {}
      const group = { groupId: 'g', topics: ['t'], groupProtocol }
      const consumer = consumerOf(cluster, { ...group, ...interval, ...options })
      onTestFinished(() => consumer.close({ timeoutMs: 1000 }))
      return consumer
    }

    async function refuse(cluster: TestCluster, consumer: Consumer): Promise<void> {
      for (const api of [heartbeat, consumerGroupHeartbeat]) {
        cluster.intercept<unknown, object>(api as never, async ({ next }) => {
          return { ...(await next()), errorCode: GROUP_AUTHORIZATION_FAILED }
        })
      }
      await cluster.waitFor(() => consumer.health().state === 'failed')
    }

    it('loses each partition once, also those that are being taken away', async () => {
      const cluster = await start()
      const [begun, done] = [latch(), latch()]
      const lost: string[] = []
      const consumer = member(cluster, {
        onLost: (partitions) => void lost.push(...list(partitions).split(',')),
      })
      const running = consumer.run({
        concurrency: 2,
        eachRecord: async () => {
          begun.open()
          await done.promise
        },
      })
      await begun.promise
      member(cluster)
        .records()
        .next()
        .catch(() => {})
      const isRevoking = /taken away when the handlers that work on them have finished/
      await cluster.waitFor(() =>
        consumer.health().problems.some(({ reason }) => isRevoking.test(reason)),
      )
      await refuse(cluster, consumer)
      done.open()
      await expect(running).rejects.toThrow(/GROUP_AUTHORIZATION_FAILED/)
      await consumer.close()
      expect(lost.sort()).toEqual(['0', '1'])
    })

    it('is told of the loss when onAssigned has settled', async () => {
      const cluster = await start()
      const [begun, held] = [latch(), latch()]
      const calls: string[] = []
      const consumer = member(cluster, {
        onAssigned: async (partitions) => {
          begun.open()
          await held.promise
          calls.push(`assigned ${list(partitions)}`)
        },
        onLost: (partitions) => void calls.push(`lost ${list(partitions)}`),
      })
      const next = consumer.records().next()
      await begun.promise
      await Promise.all([refuse(cluster, consumer), expect(next).rejects.toThrow(/GROUP_AUTH/)])
      held.open()
      await cluster.waitFor(() => calls.length === 2)
      expect(calls).toEqual(['assigned 0,1', 'lost 0,1'])
      expect(consumer.assignment()).toEqual([])
    })
  },
)
