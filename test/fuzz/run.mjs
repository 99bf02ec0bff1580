// The fuzz run itself, in a process of its own: fuzz.mjs sees a hang by the count standing still.

import { checks } from './checks.mjs'
import { everyPlace, loadSamples, makeInputs } from './inputs.mjs'

const { seed, inputs, seconds, every, maxGrowth } = JSON.parse(process.argv[2])
const SLOW_MS = 5000
/** Random inputs of all kinds before memory is compared: they load and compile what all others use. */
const WARM_UP = 20_000

const samples = await loadSamples()
const places = everyPlace(samples, every)
const random = makeInputs(samples, seed)
const deadline = performance.now() + seconds * 1000
const kinds = Object.fromEntries(Object.keys(checks).map((kind) => [kind, { read: 0, refused: 0 }]))
/** The inputs that took longest; on a busy machine some of them only waited for the processor. */
const slow = { read: [], refused: [] }
const SLOW_KEPT = 20
let done = 0
let systematic = 0
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

async function tryInput(input) {
  const started = performance.now()
  try {
    let isRead = checks[input.kind](input)
    if (typeof isRead !== 'boolean') isRead = await isRead
    if (isRead && input.mustRefuse) throw new Error('a cut message was read')
    const outcome = isRead ? 'read' : 'refused'
    kinds[input.kind][outcome]++
    const ms = performance.now() - started
    noteSlow(slow[outcome], { ms, input })
    if (ms > SLOW_MS) throw new Error(`took ${Math.round(ms)} ms`)
  } catch (error) {
    failure = { input, error }
  }
}

function noteSlow(list, entry) {
  if (list.length === SLOW_KEPT && entry.ms <= list.at(-1).ms) return
  list.push(entry)
  list.sort((a, b) => b.ms - a.ms)
  list.length = Math.min(list.length, SLOW_KEPT)
}

/** Of inputs that were slow once, the one whose fastest of five runs is slowest. */
async function slowestOf(list) {
  let slowest = { ms: 0, what: 'none' }
  for (const { input } of list) {
    let ms = Number.POSITIVE_INFINITY
    for (let run = 0; run < 5; run++) {
      const started = performance.now()
      await checks[input.kind](input)
      ms = Math.min(ms, performance.now() - started)
    }
    if (ms > slowest.ms) slowest = { ms, what: describe(input) }
  }
  return slowest
}

const warmUp = makeInputs(samples, seed + 1)
for (let count = 0; count < WARM_UP && failure === null; count++) {
  await tryInput(warmUp())
  if (count % 50 === 0) await new Promise(setImmediate)
  if (count % 100 === 0) startRss = Math.max(startRss, process.memoryUsage.rss())
}
// Its times are those of code that is not compiled yet.
for (const list of Object.values(slow)) list.length = 0

while (done - systematic < inputs && failure === null && performance.now() < deadline) {
  const input = nextInput()
  await tryInput(input)
  done++
  // Lets native packages free the buffers that were collected.
  if (done % 50 === 0) await new Promise(setImmediate)
  if (done % 1000 === 0) {
    process.send(done)
    peakRss = Math.max(peakRss, process.memoryUsage.rss())
    if (peakRss - startRss > maxGrowth) {
      const { heapTotal, external } = process.memoryUsage()
      const error = new Error(
        `RSS grew from ${startRss} to ${peakRss} bytes (heap ${heapTotal}, external ${external})`,
      )
      failure ??= { input, error }
    }
  }
}

process.send({
  random: done - systematic,
  systematic,
  kinds,
  slowest: { read: await slowestOf(slow.read), refused: await slowestOf(slow.refused) },
  growth: Math.max(0, peakRss - startRss),
  peakRss,
  failure: failure && {
    what: describe(failure.input),
    hex: failure.input.bytes.toString('hex'),
    error: failure.error?.stack ?? String(failure.error),
  },
})
process.disconnect()

function describe({ kind, api, type, version, codec, bytes }) {
  const length = `${bytes.length} bytes`
  return [
    kind,
    api?.name,
    type,
    version === undefined ? undefined : `v${version}`,
    codec?.name,
    length,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}
