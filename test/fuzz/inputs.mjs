// Inputs for the decoders: first every golden vector cut and changed at every byte, then vectors spliced
// and mutated, and bytes of chance. All chance is one seeded generator's, so that a run can be repeated.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { apis, codecByName, compressionTypes } from 'kafkawire/protocol'

const LENGTHS = ['7fffffff', '80000000', 'ffffffff', 'ffffffff0f', '7fff', 'ffff03', '00'].map(
  (hex) => Buffer.from(hex, 'hex'),
)

/** Of 100 inputs, how many are of which kind. */
const shares = { message: 80, frame: 6, records: 6, segment: 2, blob: 2, capture: 2, compressed: 2 }

export async function loadSamples() {
  const byName = new Map(apis.map((api) => [api.name, api]))
  const known = ({ api }) => byName.has(api)
  const message = readLines('messages')
    .filter(known)
    .map(({ api, type, version, hex }) => ({
      api: byName.get(api),
      type,
      version,
      bytes: Buffer.from(hex, 'hex'),
    }))
  const frame = readLines('frames')
    .filter(known)
    .map(({ api, type, version, hex }) => ({
      api: byName.get(api),
      type,
      version,
      bytes: Buffer.from(hex, 'hex'),
    }))
  const records = [...readLines('records'), ...readLines('records-legacy')]
    .map(({ hex }) => ({ bytes: Buffer.from(hex, 'hex') }))
    // Long ones are long only in their values.
    .filter(({ bytes }) => bytes.length < 8192)
  const plain = Buffer.concat(records.map(({ bytes }) => bytes)).subarray(0, 4096)
  const compressed = []
  for (const name of compressionTypes) {
    if (name === 'none') continue
    for (const data of [plain, Buffer.alloc(200_000), Buffer.alloc(1)]) {
      compressed.push({ codec: codecByName(name), bytes: await codecByName(name).compress(data) })
    }
  }
  const segment = records.map(({ bytes }) => ({ bytes }))
  const blob = [
    ...readLines('consumer-protocol').map(({ hex }) => hex),
    ...readLines('metadata-records').map(({ hex }) => hex),
    ...readLines('coordinator-records').map(({ key, value }) => key.hex + value.hex),
  ].map((hex) => ({ bytes: Buffer.from(hex, 'hex') }))
  const captures = ['loopback.pcap'].map(
    (name) => new URL(`../cli/captures/${name}`, import.meta.url),
  )
  const capture = captures.map((file) => ({ bytes: readFileSync(file) }))
  return { message, frame, records, segment, blob, capture, compressed }
}

function readLines(name) {
  const file = new URL(`../vectors/${name}.jsonl.gz`, import.meta.url)
  const lines = gunzipSync(readFileSync(file)).toString().split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line))
}

/** Places tried in one vector: all of a short one, as many as this of a long one, evenly spread. */
const PLACES = 512

/**
 * Every vector cut before every byte, which must be noticed, and with every byte changed in two ways.
 * @param every 1 for all samples, 10 for each tenth
 */
export function* everyPlace(samples, every) {
  let index = 0
  for (const [kind, list] of Object.entries(samples)) {
    const mustRefuse = kind === 'message' || kind === 'frame'
    for (const sample of list) {
      if (index++ % every !== 0) continue
      const { length } = sample.bytes
      for (let place = 0; place < length; place += Math.max(1, length / PLACES)) {
        const at = Math.floor(place)
        yield { ...sample, kind, bytes: sample.bytes.subarray(0, at), mustRefuse }
        for (const mask of [0xff, 1 << (at % 8)]) {
          const bytes = Buffer.from(sample.bytes)
          bytes[at] ^= mask
          yield { ...sample, kind, bytes }
        }
      }
    }
  }
}

/** Returns a function that gives the next input of the run with this seed. */
export function makeInputs(samples, seed) {
  let state = seed | 0

  /** A whole number below `end` (mulberry32). */
  function below(end) {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % end
  }

  function pick(list) {
    return list[below(list.length)]
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
        pick(LENGTHS).copy(bytes, at)
        return bytes
      case 4:
        return Buffer.concat([bytes.subarray(0, at), randomBytes(below(16)), bytes.subarray(at)])
      default:
        return Buffer.concat([bytes.subarray(0, at), other.subarray(below(other.length + 1))])
    }
  }

  function nextKind() {
    let left = below(100)
    for (const [kind, share] of Object.entries(shares)) {
      left -= share
      if (left < 0) return kind
    }
    throw new Error('the shares are not 100 in all')
  }

  return () => {
    const kind = nextKind()
    const sample = pick(samples[kind])
    const input = { ...sample, kind }
    if (kind === 'message' && below(8) === 0) {
      const { minVersion, maxVersion } = sample.api
      input.version = minVersion + below(maxVersion - minVersion + 1)
    }
    if (below(10) === 0) {
      input.bytes = randomBytes(below(200))
      return input
    }
    let bytes = Buffer.from(sample.bytes)
    const other = pick(samples[kind]).bytes
    for (let changes = 1 + below(3); changes > 0; changes--) bytes = mutate(bytes, other)
    input.bytes = bytes
    return input
  }
}
