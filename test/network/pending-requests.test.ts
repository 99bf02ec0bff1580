import { expect, test } from 'vitest'
import { PendingRequest, PendingRequests } from '../../src/network/pending-requests.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'

function requests(count: number): { queue: PendingRequests; all: PendingRequest[] } {
  const queue = new PendingRequests()
  const ignore = (): void => {}
  const all = Array.from({ length: count }, (_, i) => {
    const pending = new PendingRequest(heartbeat, 4, {}, 1000, ignore, ignore)
    pending.deadline = i
    queue.push(pending)
    return pending
  })
  return { queue, all }
}

test('requests leave at the head, in the middle and at the end, and only their own queue', () => {
  const { queue, all } = requests(6)
  const other = requests(1)
  other.queue.remove(all[2])
  for (const i of [2, 2, 5]) queue.remove(all[i])
  expect(queue.shift()).toBe(all[0])
  queue.push(all[0])
  expect(queue.takeExpired(3)).toEqual([all[1], all[3], all[0]])
  expect([queue.length, queue.first, other.queue.length]).toEqual([1, all[4], 1])
  expect([queue.shift(), queue.shift(), queue.first, queue.length]).toEqual([all[4], null, null, 0])
})

test('of very many, each leaves without a search', () => {
  const { queue, all } = requests(100_000)
  const started = process.cpuUsage()
  for (const pending of all.slice(50_000).reverse()) queue.remove(pending)
  queue.takeExpired(49_000)
  expect(queue.length).toBe(999)
  // With a search it takes some 20 s.
  expect(process.cpuUsage(started).user).toBeLessThan(2_000_000)
})
