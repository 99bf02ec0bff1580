// npm run fuzz: feeds the decoders of the built package with bytes that no broker sends. The outcome must
// be a message or a DecodeError that says where; a message that was read must be written and read again as
// the same. The run ends by count or time, with bounded memory, and can be repeated from its seed.
//
//   npm run fuzz -- --inputs 10000000 --seconds 3600 --seed 42
//
// `--every 20` takes each twentieth vector place by place, for a run of a minute.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'

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

const counter = new Int32Array(new SharedArrayBuffer(4))
const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
  workerData: {
    seed,
    inputs,
    seconds,
    every: Number(values.every),
    maxGrowth,
    counter,
    captureReader: pathToFileURL(captureReader).href,
  },
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
})

let seen = -1
const watch = setInterval(() => {
  if (counter[0] === seen) {
    console.error(
      `fuzz: FAILED, input ${seen + 1} of seed ${seed} has not ended after ${HANG_SECONDS} s`,
    )
    process.exit(1)
  }
  seen = counter[0]
  console.log(`fuzz: ${seen} inputs so far`)
}, HANG_SECONDS * 1000)

const started = performance.now()
worker.on('error', (error) => {
  console.error('fuzz: FAILED, the run broke:', error)
  process.exit(1)
})
worker.on('message', ({ random, systematic, kinds, slowest, growth, peakRss, failure }) => {
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
})
