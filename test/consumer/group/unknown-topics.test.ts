// A coordinator that knows a topic before the brokers that return metadata do: they may have an old topic of
// the same name.

import { expect, test } from 'vitest'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { shareConsumerOf, startShareCluster } from '../../share-consumer/harness.ts'
import { consumerOf, fill } from '../harness.ts'

interface Member {
  records(): { next(): Promise<{ value?: { offset: bigint } | undefined }> }
  health(): { readonly problems: readonly { readonly reason: string }[] }
  close(): Promise<void>
}

test.each<[string, (cluster: TestCluster, onError: (error: Error) => void) => Member]>([
  [
    'consumer',
    (cluster, onError) => {
      const group = { groupId: 'g', topics: ['t'], groupProtocol: 'consumer' } as const
      const options = {
        ...group,
        heartbeatIntervalMs: undefined,
        defaultApiTimeoutMs: 200,
        onError,
      }
      return consumerOf(cluster, options)
    },
  ],
  [
    'share consumer',
    (cluster, onError) => shareConsumerOf(cluster, { defaultApiTimeoutMs: 200, onError }),
  ],
])('a %s that is assigned a topic that metadata does not have says so', async (_, open) => {
  const cluster = await startShareCluster()
  await fill(cluster, 't', 0, 1)
  const stop = cluster.intercept(metadata, async ({ next }) => {
    const response = await next()
    const topics = response.topics.map((topic) => ({ ...topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' }))
    return { ...response, topics }
  })
  const errors: string[] = []
  const member = open(cluster, ({ message }) => void errors.push(message))
  const next = member.records().next()
  const reason = new RegExp(`metadata does not have, such as topic id ${cluster.topicId('t')}`)
  await cluster.waitFor(() => errors.some((message) => reason.test(message)))
  expect(member.health().problems).toMatchObject([{ reason: expect.stringMatching(reason) }])
  stop()
  expect((await next).value?.offset).toBe(0n)
  expect(member.health().problems).toEqual([])
  await member.close()
})
