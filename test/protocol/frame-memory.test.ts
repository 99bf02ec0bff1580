import { expect, test } from 'vitest'
import { FrameMemory } from '../../src/protocol/frame-memory.ts'
import { runNode } from '../harness/run-node.ts'

/** Six frames of 4 MiB, filled and dropped, in each of eight rounds: how many pages had to be had anew. */
const program = `
const memory = new FrameMemory()
const faults = () => process.resourceUsage().minorPageFault
function round() {
  const frames = []
  for (let i = 0; i < 6; i++) frames.push(memory.allocate(4 * 1024 * 1024).fill(i))
  return frames.length
}
const perRound = []
for (let i = 0; i < 8; i++) {
  const before = faults()
  round()
  gc()
  gc()
  perRound.push(faults() - before)
}
console.log(JSON.stringify({ perRound, rss: process.memoryUsage().rss }))
`

/** Only glibc gives memory back in the way that this is about. */
const isGlibc = JSON.stringify(process.report.getReport()).includes('glibcVersionRuntime')

// A process of its own: the lesson is taught once to a process, maybe by another test.
test('the memory of large frames is used again instead of being had anew from the system', async () => {
  const { stdout, stderr } = await runNode([
    '--expose-gc',
    '--eval',
    `${FrameMemory.toString()}${program}`,
  ])
  expect(stderr).toBe('')
  const { perRound }: { perRound: number[] } = JSON.parse(stdout)
  // 6,144 pages are written to in each round; the first rounds are those in which it is learnt.
  const later = perRound.slice(3)
  if (isGlibc) expect(Math.max(...later)).toBeLessThan(1000)
  expect(perRound.length).toBe(8)
})

test('what teaches that takes up no memory', async () => {
  const { stdout } = await runNode([
    '--eval',
    `${FrameMemory.toString()}
    const before = process.memoryUsage().rss
    const frame = new FrameMemory().allocate(200_000)
    console.log(process.memoryUsage().rss - before + 0 * frame.length)`,
  ])
  expect(Number(stdout)).toBeLessThan(8 * 1024 * 1024)
})
