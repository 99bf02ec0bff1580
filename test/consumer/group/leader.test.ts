// The leader of a classic group must not fail because of another member.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Consumer } from '../../../src/consumer/consumer.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

let cluster: TestCluster
const open: Consumer[] = []
beforeEach(async () => {
  cluster = await TestCluster.start({ topics: { t: 2 } })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((consumer) => consumer.close()))
  await cluster.close()
})

const unreadable: Record<string, Buffer> = {
  'without a byte': Buffer.alloc(0),
  'cut off': Buffer.from([0, 3, 0, 0, 0, 9, 0]),
  'of zeros': Buffer.alloc(3),
  'with a negative count': Buffer.from([0, 0, 0xff, 0xff, 0xff, 0xfe]),
}

describe('a member whose subscription cannot be decoded', () => {
  for (const [name, metadata] of Object.entries(unreadable)) {
    it(`(${name}) gets nothing, is reported, and stops nobody`, async () => {
      cluster.intercept(joinGroup, async ({ next }) => {
        const answer = await next()
        if (answer.members.length > 0) {
          answer.members.push({ memberId: 'foreign', groupInstanceId: null, metadata })
        }
        return answer
      })
      await fill(cluster, 't', 0, 1)
      const errors: string[] = []
      const consumer = consumerOf(cluster, {
        groupId: 'g',
        topics: ['t'],
        onError: (error) => void errors.push(error.message),
      })
      open.push(consumer)
      const { value: record } = await consumer.records().next()
      expect(textOf(record as never)).toBe('t-0:0')
      expect(consumer.assignment()).toHaveLength(2)
      expect(errors[0]).toMatch(/member "foreign" cannot be decoded/)
    })
  }
})

describe('an assignment that cannot be decoded', () => {
  it('is asked for again', async () => {
    await fill(cluster, 't', 0, 1)
    let count = 0
    cluster.intercept(syncGroup, async ({ next }) => {
      const answer = await next()
      if (count++ < 2) answer.assignment = Buffer.from([0, 1, 0, 0, 0, 9, 0])
      return answer
    })
    const consumer = consumerOf(cluster, { groupId: 'g', topics: ['t'] })
    open.push(consumer)
    const { value: record } = await consumer.records().next()
    expect(textOf(record as never)).toBe('t-0:0')
    expect(count).toBe(3)
    expect(consumer.health().error).toBeNull()
  })
})
