// npm run fuzz: feeds the decoders of the built package with bytes that no broker sends. The outcome must
// be a message or a DecodeError that says where; a message that was read must be written and read again as
// the same. The run ends by count or time, with bounded memory, and can be repeated from its seed.
//
//   npm run fuzz -- --inputs 10000000 --seconds 900 --seed 42

import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '900' },
    seed: { type: 'string', default: String(Date.now() % 0x7fffffff) },
    'max-rss-mb': { type: 'string', default: '512' },
  },
})
const MB = 1024 * 1024
const HANG_SECONDS = 30
/** No input may need more, whatever it claims. */
const HEAP_MB = 256
const seed = Number(values.seed)
const inputs = Number(values.inputs)
const seconds = Number(values.seconds)
const maxRss = Number(values['max-rss-mb']) * MB

console.log(`fuzz: ${inputs} random inputs or ${seconds} s, seed ${seed}`)
const counter = new Int32Array(new SharedArrayBuffer(4))
const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
  workerData: { seed, inputs, seconds, maxRss, counter },
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
worker.on('message', ({ random, systematic, kinds, slowestMs, growth, peakRss, failure }) => {
  clearInterval(watch)
  const took = (performance.now() - started) / 1000
  for (const [kind, { read, refused }] of Object.entries(kinds)) {
    console.log(`fuzz: ${kind}: ${read} read, ${refused} refused`)
  }
  console.log(
    `fuzz: ${random} random inputs after ${systematic} vectors cut and changed place by place, in ${took.toFixed(0)} s, slowest ${slowestMs.toFixed(1)} ms, memory grew by ${(growth / MB).toFixed(0)} MiB to ${(peakRss / MB).toFixed(0)} MiB`,
  )
  if (failure === null) return
  console.error(`fuzz: FAILED at input ${systematic + random} of seed ${seed}: ${failure.what}`)
  console.error(`  ${failure.hex}`)
  console.error(failure.error)
  process.exitCode = 1
})
