// The batches of a partition as they lie in the broker's log: what no client shows of them. Their
// headers are read by hand, so that a mistake of ours in writing them is not made again in reading.

import type { Kafka } from '../../src/kafka.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'

export interface StoredBatch {
  baseOffset: bigint
  /** As in the attributes: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  codec: number
  /** -1n: not idempotent. */
  producerId: bigint
  producerEpoch: number
  /** The end of a transaction. */
  isControl: boolean
  baseSequence: number
  recordCount: number
  sizeBytes: number
}

/** The first megabyte of a partition's log as it lies there. */
async function storedBytes(
  kafka: Kafka,
  topic: string,
  partition: number,
  version: number,
): Promise<Buffer> {
  const answer = await kafka.request(
    fetch,
    {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1 << 20,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic,
          topicId: ZERO_UUID,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: 0n,
              lastFetchedEpoch: -1,
              logStartOffset: -1n,
              partitionMaxBytes: 1 << 20,
              replicaDirectoryId: ZERO_UUID,
              highWatermark: 0x7fffffffffffffffn,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
      rackId: '',
      clusterId: null,
      replicaState: { replicaId: -1, replicaEpoch: -1n },
    },
    { leaderOf: { topic, partition }, version },
  )
  const { errorCode, records } = answer.responses[0].partitions[0]
  if (errorCode !== 0) throw new Error(`fetching ${topic}-${partition}: error code ${errorCode}`)
  return records ?? Buffer.alloc(0)
}

/** The formats of the messages in a partition's log: 0, 1 or, with batches, 2. */
export async function storedMagics(
  kafka: Kafka,
  topic: string,
  partition: number,
): Promise<Set<number>> {
  const magics = new Set<number>()
  // The first version for which a broker turns nothing into an older format.
  let rest = await storedBytes(kafka, topic, partition, 4)
  while (rest.length >= 17) {
    magics.add(rest[16])
    rest = rest.subarray(12 + rest.readInt32BE(8))
  }
  return magics
}

/** The first megabyte of a partition's log, batch by batch. */
export async function storedBatches(
  kafka: Kafka,
  topic: string,
  partition: number,
): Promise<StoredBatch[]> {
  const batches: StoredBatch[] = []
  // The last version that names topics.
  let rest = await storedBytes(kafka, topic, partition, 12)
  while (rest.length >= 61) {
    const sizeBytes = 12 + rest.readInt32BE(8)
    batches.push({
      baseOffset: rest.readBigInt64BE(0),
      codec: rest.readInt16BE(21) & 7,
      producerId: rest.readBigInt64BE(43),
      producerEpoch: rest.readInt16BE(51),
      isControl: (rest.readInt16BE(21) & 32) !== 0,
      baseSequence: rest.readInt32BE(53),
      recordCount: rest.readInt32BE(57),
      sizeBytes,
    })
    rest = rest.subarray(sizeBytes)
  }
  return batches
}
