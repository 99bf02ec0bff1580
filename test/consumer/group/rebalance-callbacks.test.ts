// What waits for a callback of the user.

import { expect, test } from 'vitest'
import { RebalanceCallbacks } from '../../../src/consumer/group/rebalance-callbacks.ts'

test('a callback that never settles does not keep the process', () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  void new RebalanceCallbacks().call(
    () => new Promise(() => {}),
    300_000,
    () => {},
  )
  expect(timers()).toBe(before)
})
