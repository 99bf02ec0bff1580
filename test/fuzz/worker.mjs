// The fuzz run itself, in a thread: the main thread sees a hang from outside, by the counter standing still.

import { parentPort, workerData } from 'node:worker_threads'
import { checks } from './checks.mjs'
import { everyPlace, loadSamples, makeInputs } from './inputs.mjs'

const { seed, inputs, seconds, maxRss, counter } = workerData
const SLOW_MS = 5000

const samples = await loadSamples()
const places = everyPlace(samples)
const random = makeInputs(samples, seed)
const deadline = performance.now() + seconds * 1000
const kinds = Object.fromEntries(Object.keys(checks).map((kind) => [kind, { read: 0, refused: 0 }]))
let done = 0
let systematic = 0
let slowestMs = 0
let startRss = 0
let peakRss = 0
let failure = null

/** The vectors place by place first; they are counted apart, and the count of inputs is of random ones. */
function nextInput() {
  const { value } = places.next()
  if (value === undefined) return random()
  systematic++
  return value
}

while (done - systematic < inputs && failure === null && performance.now() < deadline) {
  const input = nextInput()
  const started = performance.now()
  try {
    let isRead = checks[input.kind](input)
    if (typeof isRead !== 'boolean') isRead = await isRead
    if (isRead && input.mustRefuse) throw new Error('a cut message was read')
    kinds[input.kind][isRead ? 'read' : 'refused']++
  } catch (error) {
    failure = { input, error }
  }
  const tookMs = performance.now() - started
  if (tookMs > slowestMs) slowestMs = tookMs
  if (tookMs > SLOW_MS) failure ??= { input, error: new Error(`took ${Math.round(tookMs)} ms`) }
  done++
  counter[0] = done
  if (done % 10_000 === 0) {
    const rss = process.memoryUsage.rss()
    // What the heap needs to run at all is known by then.
    if (done <= 100_000) startRss = Math.max(startRss, rss)
    peakRss = Math.max(peakRss, rss)
    if (peakRss > maxRss) failure ??= { input, error: new Error(`RSS is ${peakRss} bytes`) }
  }
  // Lets the main thread's messages in, and native packages free the buffers that were collected.
  if (done % 500 === 0) await new Promise(setImmediate)
}

parentPort.postMessage({
  random: done - systematic,
  systematic,
  kinds,
  slowestMs,
  growth: Math.max(0, peakRss - startRss),
  peakRss,
  failure: failure && {
    what: describe(failure.input),
    hex: failure.input.bytes.toString('hex'),
    error: failure.error?.stack ?? String(failure.error),
  },
})

function describe({ kind, api, type, version, codec }) {
  return [kind, api?.name, type, version === undefined ? undefined : `v${version}`, codec?.name]
    .filter((part) => part !== undefined)
    .join(' ')
}
