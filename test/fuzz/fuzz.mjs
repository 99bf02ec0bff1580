// npm run fuzz: feeds the decoders of the built package with bytes that no broker sends. The outcome must
// be a message or a DecodeError that says where; a message that was read must be written and read again as
// the same. The run ends by count or time, with bounded memory, and can be repeated from its seed.
//
//   npm run fuzz -- --inputs 10000000 --seconds 3600 --seed 42
//
// `--every 20` takes each twentieth vector place by place, for a run of a minute.

import { execFileSync, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '3600' },
    every: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 0x7fffffff) },
    'max-growth-mb': { type: 'string', default: '64' },
  },
})
const MB = 1024 * 1024
const HANG_SECONDS = 30
/** No input may need more, whatever it claims. */
const HEAP_MB = 256
const seed = Number(values.seed)
const inputs = Number(values.inputs)
const seconds = Number(values.seconds)
const maxGrowth = Number(values['max-growth-mb']) * MB

console.log(`fuzz: ${inputs} random inputs or ${seconds} s, seed ${seed}`)
const folder = mkdtempSync(join(tmpdir(), 'kafkawire-fuzz-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const captureReader = join(folder, 'captured-frames.mjs')
execFileSync(fileURLToPath(new URL('../../node_modules/.bin/rolldown', import.meta.url)), [
  fileURLToPath(new URL('../../src/cli/capture/captured-frames.ts', import.meta.url)),
  ...['--platform', 'node', '--format', 'esm', '--file', captureReader],
])

const settings = {
  seed,
  inputs,
  seconds,
  every: Number(values.every),
  maxGrowth,
  captureReader: pathToFileURL(captureReader).href,
}
// A small young generation, few arenas of malloc, and a threshold that stays: what these keep of freed memory
// would hide a leak. (After zstd's 8 MiB have been freed once, malloc takes as much from its heap, and returns
// nothing: 50 MiB after 140,000 damaged batches, where 5 remain with the threshold.)
const run = fork(new URL('./run.mjs', import.meta.url), [JSON.stringify(settings)], {
  execArgv: [`--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=4'],
  env: { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65536' },
})
process.once('exit', () => run.kill('SIGKILL'))

let count = 0
let seen = -1
let isOver = false
const watch = setInterval(() => {
  if (count === seen) {
    console.error(
      `fuzz: FAILED, an input soon after ${count} of seed ${seed} has not ended after ${HANG_SECONDS} s`,
    )
    process.exit(1)
  }
  seen = count
  console.log(`fuzz: ${seen} inputs so far`)
}, HANG_SECONDS * 1000)

const started = performance.now()
run.on('exit', (code, signal) => {
  if (isOver) return
  console.error(`fuzz: FAILED, the run broke with ${code ?? signal} after ${count} inputs`)
  process.exit(1)
})
run.on('message', (message) => {
  if (typeof message === 'number') count = message
  else report(message)
})

function report({ random, systematic, kinds, slowest, growth, peakRss, failure }) {
  isOver = true
  clearInterval(watch)
  const took = (performance.now() - started) / 1000
  for (const [kind, { read, refused }] of Object.entries(kinds)) {
    console.log(`fuzz: ${kind}: ${read} read, ${refused} refused`)
  }
  console.log(
    `fuzz: ${random} random inputs after ${systematic} vectors cut and changed place by place, in ${took.toFixed(0)} s; memory grew by ${(growth / MB).toFixed(0)} MiB to ${(peakRss / MB).toFixed(0)} MiB`,
  )
  for (const [outcome, { ms, what }] of Object.entries(slowest)) {
    console.log(`fuzz: slowest input ${outcome}: ${ms.toFixed(1)} ms, ${what}`)
  }
  if (failure === null) return
  console.error(`fuzz: FAILED at input ${systematic + random} of seed ${seed}: ${failure.what}`)
  console.error(`  ${failure.hex}`)
  console.error(failure.error)
  process.exitCode = 1
}
