import { expect, test } from 'vitest'
import { ReconnectBackoff, Turns } from '../../src/cluster/reconnect-backoff.ts'

const options = { reconnectBackoffMs: 50, reconnectBackoffMaxMs: 1000 }

function near(ms: number): [number, number] {
  return [ms * 0.8, ms * 1.2]
}

test('failures double the wait to its limit; only a ready connection ends it', () => {
  const reach = new ReconnectBackoff(options, new Turns(() => false))
  expect(reach.attemptAllowedAt).toBe(0)
  for (const ms of [50, 100, 200, 400, 800, 1000, 1000]) {
    const [least, most] = near(ms)
    const waitMs = reach.failed(10_000)
    expect(waitMs).toBeGreaterThanOrEqual(least)
    expect(waitMs).toBeLessThanOrEqual(most)
    expect(reach.attemptAllowedAt).toBe(10_000 + waitMs)
    reach.attempt(10_000)
  }
  expect(reach.failures).toBe(7)
  reach.reached()
  expect([reach.failures, reach.attemptAllowedAt]).toEqual([0, 0])
})

test('a connection that was lost is not opened again at once', () => {
  const reach = new ReconnectBackoff(options, new Turns(() => false))
  reach.lost(1000)
  expect(reach.attemptAllowedAt).toBeGreaterThanOrEqual(1040)
  expect(reach.failures).toBe(0)
})

test('in a long outage brokers take turns: all are tried, together about once a second', () => {
  let isOutage = true
  const turns = new Turns(() => isOutage)
  const brokers = Array.from({ length: 3 }, () => ({
    reach: new ReconnectBackoff(options, turns),
    tries: 0,
  }))
  const MINUTE = 60_000
  for (let now = 0; now < MINUTE; now += 5) {
    for (const broker of brokers) {
      if (broker.reach.attemptAllowedAt > now) continue
      broker.reach.attempt(now)
      broker.tries++
      broker.reach.failed(now)
    }
  }
  for (const { tries } of brokers) {
    expect(tries).toBeGreaterThan(20)
    expect(tries).toBeLessThan(30)
  }
  // As soon as one is reached, the others have only their own wait.
  isOutage = false
  expect(Math.max(...brokers.map(({ reach }) => reach.attemptAllowedAt))).toBeLessThan(
    MINUTE + 1300,
  )
  for (const { reach } of brokers) reach.retryNow()
  expect(brokers.map(({ reach }) => reach.attemptAllowedAt)).toEqual([0, 0, 0])
})
