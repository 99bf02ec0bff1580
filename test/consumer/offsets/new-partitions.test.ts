// Partitions and topics that come into being while a group reads: nothing that is written to them before
// they are noticed is skipped, whatever autoOffsetReset says of a new group.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TopicBaseline } from '../../../src/consumer/assignment/topic-baseline.ts'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/options.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  await fill(cluster, 't', 0, 5)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

/** A member that has joined and stands at the end of what there is. */
async function member(options: ConsumerOptions): Promise<string[]> {
  const got: string[] = []
  const consumer = consumerOf(
    cluster,
    { groupId: 'g', autoOffsetReset: 'latest', ...options },
    { metadataMaxAgeMs: 200 },
  )
  open.push(consumer)
  void consumer.run({ eachRecord: (record) => void got.push(textOf(record)) })
  await cluster.waitFor(() => consumer.health().state === 'stable')
  return got
}

describe('what came while the group reads', () => {
  it('is read from its beginning: a partition', async () => {
    const got = await member({ topics: ['t'] })
    cluster.createPartitions('t', 3)
    const early = [...(await fill(cluster, 't', 1, 4)), ...(await fill(cluster, 't', 2, 2))]
    await expect.poll(() => got.toSorted(), { timeout: 8000 }).toEqual(early.toSorted())
  })

  it('is read from its beginning: a topic that a pattern matches', async () => {
    const got = await member({ topics: [/^t/] })
    cluster.createTopic('tt', { partitions: 2 })
    const early = [...(await fill(cluster, 'tt', 0, 4)), ...(await fill(cluster, 'tt', 1, 2))]
    await expect.poll(() => got.toSorted(), { timeout: 8000 }).toEqual(early.toSorted())
  })

  it('is read from its beginning: a topic that did not exist', async () => {
    const got = await member({ topics: ['t', 'later'], allowAutoCreateTopics: false })
    cluster.createTopic('later')
    const early = await fill(cluster, 'later', 0, 4)
    await expect.poll(() => got, { timeout: 8000 }).toEqual(early)
  })

  it('is read from where autoOffsetResetNewPartitions says', async () => {
    const got = await member({ topics: ['t'], autoOffsetResetNewPartitions: 'latest' })
    cluster.createPartitions('t', 2)
    await fill(cluster, 't', 1, 4)
    const { health } = { health: () => open[0].health() }
    await cluster.waitFor(() => health().partitions.length === 2)
    await cluster.waitFor(() => health().partitions[1].position === 4n)
    const late = await fill(cluster, 't', 1, 1)
    await expect.poll(() => got, { timeout: 8000 }).toEqual(late)
  })

  it('leaves what existed before at autoOffsetReset', async () => {
    cluster.createTopic('tt')
    await fill(cluster, 'tt', 0, 5)
    const got = await member({ topics: [/^t/] })
    await cluster.waitFor(() =>
      open[0].health().partitions.every(({ position }) => position === 5n),
    )
    const late = await fill(cluster, 'tt', 0, 2)
    await expect.poll(() => got, { timeout: 8000 }).toEqual(late)
  })

  it("begins where the group's offset is, once there is one", async () => {
    const first = await member({ topics: ['t'], autoCommitIntervalMs: 10 })
    cluster.createPartitions('t', 2)
    const early = await fill(cluster, 't', 1, 4)
    await expect.poll(() => first, { timeout: 8000 }).toEqual(early)
    await open[0].close()
    const second = await member({ topics: ['t'] })
    const late = await fill(cluster, 't', 1, 1)
    await expect.poll(() => second, { timeout: 8000 }).toEqual(late)
  })
})

describe('the baseline of topics', () => {
  const source = (counts: Record<string, number>) => ({
    topic: (name: string) =>
      counts[name] > 0 ? { partitions: Array.from({ length: counts[name] }) } : undefined,
    topicError: (name: string) => (counts[name] === 0 ? 3 : 0),
  })

  it('takes nothing for new before brokers have told of the topic', () => {
    const baseline = new TopicBaseline()
    baseline.note(['a'], source({}))
    expect(baseline.isNew('a', 0)).toBe(false)
    baseline.note(['a'], source({ a: 2 }))
    baseline.note(['a'], source({ a: 5 }))
    expect([1, 2].map((partition) => baseline.isNew('a', partition))).toEqual([false, true])
  })

  it('takes a topic that was missing, or created again, for new', () => {
    const baseline = new TopicBaseline()
    baseline.note(['a', 'b'], source({ a: 0, b: 3 }))
    baseline.note(['a', 'b'], source({ a: 1, b: 3 }))
    expect([baseline.isNew('a', 0), baseline.isNew('b', 0)]).toEqual([true, false])
    baseline.noteRecreated('b')
    expect(baseline.isNew('b', 0)).toBe(true)
  })

  it('takes what a pattern matches for new only after all topics were told of', () => {
    const baseline = new TopicBaseline()
    baseline.note(['a'], source({ a: 1 }))
    baseline.noteAllTopics()
    baseline.note(['a', 'b'], source({ a: 1, b: 1 }))
    expect([baseline.isNew('a', 0), baseline.isNew('b', 0)]).toEqual([false, true])
    baseline.restart()
    baseline.note(['c'], source({ c: 1 }))
    expect(baseline.isNew('c', 0)).toBe(false)
  })
})
