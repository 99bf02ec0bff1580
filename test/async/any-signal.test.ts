// Joined signals keep their sources alive, and leave nothing on them.

import { expect, test } from 'vitest'
import { joinSignals, withAnySignal } from '../../src/async/any-signal.ts'
import { timeoutSignal } from '../../src/async/timers.ts'
import { runNode } from '../harness/run-node.ts'

const program = `
import { addAbortListener } from 'node:events'
const never = new AbortController().signal
let aborted = 0
const count = () => { aborted++ }
for (let i = 0; i < 20; i++) {
  const joined = new AbortController()
  for (const source of [never, AbortSignal.timeout(300)]) {
    addAbortListener(source, () => joined.abort(source.reason))
  }
  joined.signal.addEventListener('abort', count, { once: true })
}
gc()
setTimeout(() => { gc(); gc() }, 50)
setTimeout(() => console.log(aborted), 1500)
`

test('a time-out that nothing else refers to comes although garbage is collected', async () => {
  const { stdout } = await runNode(['--expose-gc', '--input-type=module', '--eval', program])
  expect(Number(stdout)).toBe(20)
})

test('the work gets the reason of the first that aborts', async () => {
  const first = new AbortController()
  const work = withAnySignal([first.signal, timeoutSignal(60_000)], async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return signal.reason
  })
  first.abort('mine')
  expect(await work).toBe('mine')
})

test('a released signal follows its sources no more', () => {
  const source = new AbortController()
  const { signal, release } = joinSignals([source.signal])
  release()
  source.abort()
  expect(signal.aborted).toBe(false)
})
