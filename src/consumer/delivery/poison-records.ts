// Records that a deserializer refuses, where they are not to reach the caller: they are found before they
// are delivered, reported, and skipped. Where they become dead letters, the records after them wait
// for the acknowledgement.

import { DeserializationError } from '../../errors.ts'
import { ConsumerRecord } from '../../records/consumer-record.ts'
import { RecordSlice } from '../buffer/record-slice.ts'
import { isRetryHeader, type RetryState } from '../buffer/retry-headers.ts'
import type { PoisonRecords } from '../options.ts'
import { type DeadLetters, mayBeTaken } from './dead-letters.ts'

export class PoisonScreen<K, V> {
  private readonly onPoison: (error: DeserializationError) => void
  private readonly bury: PoisonBurial | null

  /**
   * @param onPoison called for each record that is skipped
   * @param bury makes a dead letter of it; null: it is skipped
   */
  constructor(onPoison: (error: DeserializationError) => void, bury: PoisonBurial | null) {
    this.onPoison = onPoison
    this.bury = bury
  }

  /**
   * The chunk without what cannot be decoded. A promise while dead letters are on their way; it rejects
   * if one of them was not acknowledged.
   */
  pass(chunk: RecordSlice<K, V>): RecordSlice<K, V> | Promise<RecordSlice<K, V>> {
    const kept: ConsumerRecord<K, V>[] = []
    const burials: Promise<void>[] = []
    for (const record of chunk.records) {
      // A deserializer, and the caller later on, may change the bytes.
      ConsumerRecord.preserve(record)
      const error = refusalOf(record)
      if (error === null) {
        kept.push(record)
        continue
      }
      this.onPoison(error)
      if (this.bury !== null) burials.push(this.bury(originalOf(record), error))
    }
    if (kept.length === chunk.count) return chunk
    const passed = new RecordSlice(kept, chunk.place)
    return burials.length === 0 ? passed : Promise.all(burials).then(() => passed)
  }
}

export type PoisonBurial = (
  record: ConsumerRecord<unknown, unknown>,
  error: DeserializationError,
) => Promise<void>

function originalOf<K, V>(record: ConsumerRecord<K, V>): ConsumerRecord<K, V> {
  return ConsumerRecord.originals([record])[0]
}

/** Decodes a record, which keeps what comes of it. */
function refusalOf(record: ConsumerRecord<unknown, unknown>): DeserializationError | null {
  try {
    decode(record)
    return null
  } catch (error) {
    if (error instanceof DeserializationError) return error
    throw error
  }
}

function decode({ key, value }: ConsumerRecord<unknown, unknown>): [unknown, unknown] {
  return [key, value]
}

/** Knows what a record of a retry topic stands for. */
interface RetryStates {
  /** null: the record is of another topic, or does not say. */
  retryStateOf(record: ConsumerRecord<unknown, unknown>): RetryState | null
}

/**
 * @returns null where records that cannot be deserialized reach the caller
 */
export function poisonScreen<K, V>(
  policy: PoisonRecords,
  deadLetters: DeadLetters,
  retries: RetryStates,
  onPoison: (error: DeserializationError) => void,
): PoisonScreen<K, V> | null {
  if (policy === 'stop') return null
  if (policy === 'skip') return new PoisonScreen(onPoison, null)
  const { deadLetterTopic } = policy
  return new PoisonScreen(onPoison, (record, error) => {
    const state = retries.retryStateOf(record)
    const original =
      state === null ? record : ConsumerRecord.movedFrom(record, state, isRetryHeader)
    const attempts = state?.attempts ?? null
    return untilTaken(() => deadLetters.send(deadLetterTopic, original, error, attempts))
  })
}

/** Sends again what was not acknowledged in its time, until the consumer is closed: the partition waits. */
async function untilTaken(send: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (!mayBeTaken(error)) throw error
    }
  }
}
