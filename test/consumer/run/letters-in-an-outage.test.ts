// A dead-letter or retry topic that takes nothing for longer than a record has time (deliveryTimeoutMs): the run
// continues when the topic does, and ends only for what no wait can mend. In virtual time.

import { expect, test } from 'vitest'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import type { RunOptions } from '../../../src/consumer/run/run-options.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { refusedProduce } from '../../harness/refused-produce.ts'
import { inVirtualTime } from '../../virtual-time.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

const MINUTE = 60_000
/** Each takes a second, on a machine that has nothing else to do. */
const patience = { timeout: 300_000 }
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** From now on nothing that is sent to `topic` is written, until the end is called. */
function refuse(cluster: TestCluster, topic: string): () => void {
  return cluster.intercept(produce, async ({ request, next }) => {
    const topicId = cluster.topicId(topic)
    if (!request.topicData.some((data) => data.name === topic || data.topicId === topicId)) {
      return next()
    }
    return refusedProduce(request, errorCodes.NOT_ENOUGH_REPLICAS)
  })
}

/** What the handler was called with, in a run that meets an outage of `topic` of this length. */
async function runThrough(
  topic: string,
  ms: number,
  options: Omit<RunOptions, 'eachRecord'>,
  consumerOptions: ConsumerOptions = {},
) {
  const cluster = await TestCluster.start({
    topics: { t: 1, dead: 1, later: 1 },
    autoCreateTopics: false,
    properties: { logRetentionMs: -1 },
  })
  await fill(cluster, 't', 0, 2)
  const resume = refuse(cluster, topic)
  const consumer = consumerOf(
    cluster,
    { groupId: 'g', topics: ['t'], fetchMaxWaitMs: 10_000, ...consumerOptions },
    { retryBackoffMs: 1000, retryBackoffMaxMs: 5000 },
  )
  const calls: string[] = []
  let ended: unknown = null
  const running = consumer
    .run({
      ...options,
      eachRecord: (record) => {
        calls.push(textOf(record))
        const mayFail = consumerOptions.poisonRecords === undefined
        if (mayFail && calls.length === 1) throw new Error('not this one')
      },
    })
    .catch((error: unknown) => {
      ended = error
    })
  await pause(ms)
  resume()
  await pause(2 * MINUTE)
  const batches = await cluster.partition(topic, 0).decode()
  await consumer.close()
  await running
  await cluster.close()
  const written = batches.flatMap(({ records }) => records).length
  return { calls, ended, written }
}

test.each([
  { topic: 'dead', options: { deadLetterTopic: 'dead' }, after: ['t-0:0', 't-0:1'] },
  {
    topic: 'later',
    options: { retryTopics: ['1s'], retryTopicName: () => 'later', deadLetterTopic: 'dead' },
    after: ['t-0:0', 't-0:1', 't-0:0'],
  },
])('four minutes without "$topic"', patience, async ({ topic, options, after }) => {
  const { calls, ended, written } = await inVirtualTime(1, () =>
    runThrough(topic, 4 * MINUTE, options),
  )
  expect(ended).toBe(null)
  expect(written).toBe(1)
  expect(calls.toSorted()).toEqual(after.toSorted())
})

test(
  'four minutes without the dead-letter topic of records that cannot be deserialized',
  patience,
  async () => {
    const { calls, ended, written } = await inVirtualTime(1, () =>
      runThrough(
        'dead',
        4 * MINUTE,
        {},
        {
          poisonRecords: { deadLetterTopic: 'dead' },
          valueDeserializer: {
            deserialize: (bytes: Buffer) => {
              if (String(bytes) === 't-0:0') throw new Error('not this one')
              return bytes
            },
          },
        },
      ),
    )
    expect({ calls, ended, written }).toEqual({ calls: ['t-0:1'], ended: null, written: 1 })
  },
)

test('a topic that does not exist ends the run', patience, async () => {
  const { ended } = await inVirtualTime(1, () =>
    runThrough('dead', 4 * MINUTE, { deadLetterTopic: 'nowhere' }),
  )
  expect(String(ended)).toContain('topic "nowhere" does not exist')
})
