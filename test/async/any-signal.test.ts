import { expect, test } from 'vitest'
import { anySignal } from '../../src/async/any-signal.ts'
import { runNode } from '../harness/run-node.ts'

const program = `
const sources = new WeakMap()
const never = new AbortController().signal
let aborted = 0
const count = () => { aborted++ }
for (let i = 0; i < 20; i++) {
  anySignal([never, AbortSignal.timeout(300)]).addEventListener('abort', count, { once: true })
}
gc()
setTimeout(() => { gc(); gc() }, 50)
setTimeout(() => console.log(aborted), 1500)
`

test('a time-out that nobody else holds on to comes, collections notwithstanding', async () => {
  const { stdout } = await runNode(['--expose-gc', '--eval', `${anySignal.toString()}${program}`])
  expect(Number(stdout)).toBe(20)
})

test('aborts with the reason of the first, also where that has been aborted before', () => {
  const [first, second] = [new AbortController(), new AbortController()]
  const any = anySignal([first.signal, second.signal])
  expect(any.aborted).toBe(false)
  second.abort('mine')
  first.abort('late')
  expect(any.reason).toBe('mine')
  expect(anySignal([first.signal]).reason).toBe('late')
})
