// Feeds decoders of the built package with bytes that no broker sends: random ones, and golden vectors
// cut, spliced and mutated. The outcome must be a message or a DecodeError that names API, version and
// position; a message that was read must be written and read again as the same. The run ends by count
// or time, with bounded memory, and can be repeated from its seed.
//
//   npm run fuzz -- --inputs 5000000 --seconds 600 --seed 42

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import {
  apis,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from 'kafkawire/protocol'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string', default: String(Date.now() % 0x7fffffff) },
    'max-rss-mb': { type: 'string', default: '512' },
  },
})
const inputs = Number(values.inputs)
const deadline = performance.now() + Number(values.seconds) * 1000
const maxRss = Number(values['max-rss-mb']) * 1024 * 1024
const SLOW_MS = 2000
const LENGTHS = ['7fffffff', '80000000', 'ffffffff', 'ffffffff0f', '7fff', 'ffff03', '00'].map(
  (hex) => Buffer.from(hex, 'hex'),
)

let state = Number(values.seed) >>> 0 || 1

/** A whole number below `end` (mulberry32). */
function below(end) {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % end
}

function loadSamples() {
  const file = new URL('../vectors/messages.jsonl.gz', import.meta.url)
  const lines = gunzipSync(readFileSync(file)).toString().split('\n').filter(Boolean)
  const byName = new Map(apis.map((api) => [api.name, api]))
  return lines.map((line) => {
    const { api, type, version, hex } = JSON.parse(line)
    return { api: byName.get(api), type, version, bytes: Buffer.from(hex, 'hex') }
  })
}

function randomBytes(length) {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = below(4) === 0 ? below(256) : below(4)
  return bytes
}

/** One change to `bytes`, which may be changed in place. */
function mutate(bytes, other) {
  const at = below(bytes.length + 1)
  switch (below(6)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      if (at < bytes.length) bytes[at] = below(256)
      return bytes
    case 2:
      if (at < bytes.length) bytes[at] ^= 1 << below(8)
      return bytes
    case 3:
      LENGTHS[below(LENGTHS.length)].copy(bytes, at)
      return bytes
    case 4:
      return Buffer.concat([bytes.subarray(0, at), randomBytes(below(16)), bytes.subarray(at)])
    default:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(below(other.length + 1))])
  }
}

function nextInput(samples) {
  const sample = samples[below(samples.length)]
  const { api, type } = sample
  const version =
    below(8) === 0 ? api.minVersion + below(api.maxVersion - api.minVersion + 1) : sample.version
  if (below(10) === 0) return { api, type, version, bytes: randomBytes(below(200)) }
  let bytes = Buffer.from(sample.bytes)
  const other = samples[below(samples.length)].bytes
  for (let changes = 1 + below(3); changes > 0; changes--) bytes = mutate(bytes, other)
  return { api, type, version, bytes }
}

/** Whether the bytes were read as a message. Throws where the decoder or encoder breaks a promise. */
function check({ api, type, version, bytes }) {
  const decode = type === 'request' ? decodeRequest : decodeResponse
  const encode = type === 'request' ? encodeRequest : encodeResponse
  let decoded
  try {
    decoded = decode(api, version, bytes)
  } catch (error) {
    if (error.name !== 'DecodeError') throw error
    const { position } = error
    const isNamed = error.api === api.name && error.version === version
    if (isNamed && position >= 0 && position <= bytes.length) return false
    throw new Error(`the error does not say where: ${error.message}`, { cause: error })
  }
  let written
  try {
    written = encode(api, version, decoded.message)
  } catch (error) {
    // Bytes that are no UTF-8 become longer ones, which may exceed the limit of a string.
    if (error.name === 'InvalidArgumentError' && error.message.includes('a string of')) return true
    throw error
  }
  const again = encode(api, version, decode(api, version, written).message)
  if (!again.equals(written)) throw new Error('reading what was written gives another message')
  return true
}

const samples = loadSamples()
console.log(`fuzz: ${inputs} inputs, seed ${values.seed}`)
let done = 0
let read = 0
let slowest = 0
let peakRss = 0
let failure = null
while (done < inputs && failure === null) {
  const input = nextInput(samples)
  const started = performance.now()
  try {
    if (check(input)) read++
  } catch (error) {
    failure = { input, error }
  }
  const took = performance.now() - started
  if (took > slowest) slowest = took
  if (took > SLOW_MS) failure ??= { input, error: new Error(`took ${Math.round(took)} ms`) }
  if (++done % 10_000 === 0) {
    peakRss = Math.max(peakRss, process.memoryUsage.rss())
    if (peakRss > maxRss) failure ??= { input, error: new Error(`RSS is ${peakRss} bytes`) }
    if (performance.now() > deadline) break
  }
}
const rss = Math.round(peakRss / 1024 / 1024)
console.log(
  `fuzz: ${done} inputs, ${read} read as messages, ${done - read} refused, slowest ${slowest.toFixed(1)} ms, RSS at most ${rss} MiB`,
)
if (failure !== null) {
  const { api, type, version, bytes } = failure.input
  console.error(
    `fuzz: FAILED at input ${done} of seed ${values.seed}: ${api.name} ${type} v${version}`,
  )
  console.error(`  ${bytes.toString('hex')}`)
  console.error(failure.error)
  process.exitCode = 1
}
