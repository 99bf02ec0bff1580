// Idle time of the event loop, also where the runtime does not measure it.

import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { idleMsSince, markIdleTime } from '../../src/async/idle-time.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test('waiting is idle time, working is not', async () => {
  const waiting = markIdleTime()
  while (idleMsSince(waiting) <= 10) await sleep(5)
  const working = markIdleTime()
  while (performance.now() - working.at < 30);
  expect(idleMsSince(working)).toBeLessThan(10)
})

describe('where the runtime does not measure it, all time counts', () => {
  test('no function (older Bun and Deno)', async () => {
    const original = Object.getOwnPropertyDescriptor(performance, 'eventLoopUtilization')
    Object.defineProperty(performance, 'eventLoopUtilization', {
      value: undefined,
      configurable: true,
    })
    try {
      const mark = markIdleTime()
      await sleep(20)
      expect(idleMsSince(mark)).toBeGreaterThan(15)
    } finally {
      Reflect.deleteProperty(performance, 'eventLoopUtilization')
      if (original !== undefined) {
        Object.defineProperty(performance, 'eventLoopUtilization', original)
      }
    }
  })

  test('only zeros (Bun and Deno)', async () => {
    vi.spyOn(performance, 'eventLoopUtilization').mockReturnValue({
      idle: 0,
      active: 0,
      utilization: 0,
    })
    const mark = markIdleTime()
    await sleep(20)
    expect(idleMsSince(mark)).toBeGreaterThan(15)
  })
})
