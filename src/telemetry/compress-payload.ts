// Compresses what is pushed by the first of the accepted codecs that works here.

import { codecById } from '../compression/codecs.ts'
import { KafkaError } from '../errors.ts'

/** Codecs whose package is not installed, or that a newer Kafka has. */
function isMissing(error: unknown): boolean {
  return error instanceof KafkaError
}

/** @param accepted ids as in record batches, the best first */
export async function compressPayload(
  payload: Buffer,
  accepted: readonly number[],
): Promise<{ id: number; data: Buffer }> {
  for (const id of accepted) {
    try {
      const codec = codecById(id)
      codec.load()
      return { id, data: await codec.compress(payload) }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return { id: 0, data: payload }
}
