// The records of a random run: made from their plans, each with a timestamp of its own, by which it is found
// again in the log. Kept as they must be found there, byte by byte.

import type { ProducerRecord } from '../../../src/producer/record.ts'
import type { HeaderInput } from '../../../src/records/headers.ts'
import type { RecordData, Serde } from '../../../src/types.ts'
import type { Content, RecordPlan } from './plan.ts'

/** A record that was given to the producer, and what its caller was told. */
export interface Given {
  /** Its timestamp, and its number among all. */
  readonly id: number
  readonly topic: string
  /** -1: none was named. */
  readonly partition: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { key: string; value: Buffer | null }[]
  /** The transaction it belongs to; 0: none. */
  readonly transaction: number
  /** How often its topic had been made anew when it was given. */
  readonly incarnation: number
  /** How its promise settled; null where it has none (enqueue), or has not settled. */
  outcome: Outcome | null
  /** What onDelivery was told of it: must be once, unless the call threw. */
  told: Outcome[]
  /** Where it stands in the order in which onDelivery was called. */
  toldAt: number
  /** The call refused it, or had a limit that was reached: what it was told says nothing of the log. */
  isLimited: boolean
}

export interface Outcome {
  readonly error: unknown
  readonly partition: number
  readonly offset: bigint
}

export function contentOf({ kind, size }: Content, seed: number): RecordData {
  switch (kind) {
    case 'null':
      return null
    case 'text':
      return text(size, seed, 'abcdefghijklmnopqrstuvwxyz')
    case 'wide':
      return text(size, seed, 'aé€x𝄞yß')
    case 'bytes':
      return noise(size, seed)
    case 'view': {
      const whole = new Uint8Array(size + 20).map((_, i) => (i * 5 + seed) & 0xff)
      return whole.subarray(10, 10 + size)
    }
  }
}

/** Little of it can be compressed, so that batches are split whatever the codec. */
function noise(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let state = seed | 1
  for (let i = 0; i < size; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

function text(size: number, seed: number, letters: string): string {
  const all = [...letters]
  const choices = noise(size, seed)
  let made = ''
  for (let i = 0; made.length < size; i++) made += all[choices[i] % all.length]
  return made
}

/** The record as it is given, and its bytes as the log must have them. */
export function makeRecord(
  plan: RecordPlan,
  topic: string,
  partition: number,
  timestamp: number,
): {
  record: ProducerRecord<RecordData, RecordData>
  bytes: Pick<Given, 'key' | 'value' | 'headers'>
} {
  const key = contentOf(plan.key, timestamp)
  const value = contentOf(plan.value, timestamp)
  const headers = plan.headers.map(
    (each, i): HeaderInput => ({ key: `h${i}`, value: contentOf(each, timestamp + i) }),
  )
  const { serializer } = plan
  const serde = serdeOf(serializer, timestamp)
  const record: ProducerRecord = {
    topic: serializer === 'none' ? topic : { name: topic, key: serde, value: serde },
    key,
    value,
    timestamp,
  }
  if (partition >= 0) record.partition = partition
  if (plan.headersAs === 'list') record.headers = headers
  if (plan.headersAs === 'object') {
    record.headers = Object.fromEntries(headers.map((each) => [each.key, each.value]))
  }
  if (plan.headersAs === 'generator') record.headers = headers.values()
  const kept = plan.headersAs === 'none' ? [] : headers
  return {
    record,
    bytes: {
      key: bytesOf(key),
      value: bytesOf(value),
      headers: kept.map((each) => ({ key: each.key, value: bytesOf(each.value) })),
    },
  }
}

/** A serde that takes its time, other for each record. */
function serdeOf(how: RecordPlan['serializer'], seed: number): Serde<RecordData> {
  const later = async (data: RecordData): Promise<RecordData> => {
    if (how === 'slow') await new Promise((resolve) => setTimeout(resolve, seed % 6))
    else if (seed % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
    if (how === 'fails') throw new Error('planned')
    return data
  }
  return {
    serialize: (data) => (how === 'sync' ? data : later(data)),
    deserialize: (bytes) => bytes,
  }
}

function bytesOf(data: RecordData): Buffer | null {
  if (data === null) return null
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data)
}
