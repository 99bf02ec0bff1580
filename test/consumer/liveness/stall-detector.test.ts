import { describe, expect, it } from 'vitest'
import { StallDetector } from '../../../src/consumer/liveness/stall-detector.ts'

const options = { sessionTimeoutMs: 10_000, heartbeatIntervalMs: 1000, maxPollIntervalMs: 60_000 }

describe('the clocks of a member', () => {
  it('say nothing while the timer fires in time', () => {
    const clock = new StallDetector(options, 0)
    expect(clock.tickMs).toBe(1000)
    for (let now = 1000; now < 20_000; now += 1000) expect(clock.tick(now)).toBe(null)
    expect(clock.check(20_500)).toBe(null)
    expect(clock.isFenced).toBe(false)
  })

  it('report a stall longer than the heartbeat interval once, with its length', () => {
    const clock = new StallDetector(options, 0)
    expect(clock.check(4000)).toEqual({ durationMs: 3000, isFencing: false })
    expect(clock.check(4100)).toBe(null)
    expect(clock.tick(4200)).toBe(null)
    expect(clock.tick(8200)).toEqual({ durationMs: 3000, isFencing: false })
  })

  it('raise the fence when the session may have ended, and lift it by a heartbeat sent after that', () => {
    const clock = new StallDetector(options, 0)
    expect(clock.check(9000)).toMatchObject({ isFencing: false })
    expect(clock.check(10_500)).toMatchObject({ isFencing: true })
    expect(clock.isFenced).toBe(true)
    expect(clock.tick(10_600)).toBe(null)
    // An answer that waited in the socket all the while proves nothing.
    expect(clock.alive(10_499)).toBe(false)
    expect(clock.isFenced).toBe(true)
    expect(clock.alive(10_700)).toBe(true)
    expect(clock.isFenced).toBe(false)
    expect(clock.alive(10_800)).toBe(false)
  })

  it('know when a record is worked on for too long', () => {
    const clock = new StallDetector(options, 0)
    expect(clock.isPollExpired(60_000)).toBe(false)
    expect(clock.isPollExpired(60_001)).toBe(true)
  })

  it('tick finely enough for short times', () => {
    expect(new StallDetector({ ...options, maxPollIntervalMs: 200 }, 0).tickMs).toBe(50)
    expect(new StallDetector({ ...options, sessionTimeoutMs: 300 }, 0).tickMs).toBe(30)
  })
})
