// ListOffsets: the ends of a partition, and offsets by time. Only a leader responds.

import { errorCodes } from '../../protocol/error-codes.ts'
import type {
  ListOffsetsPartition,
  ListOffsetsPartitionResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../../protocol/messages/list-offsets.ts'
import type { RequestContext } from '../handler.ts'
import { checkAccess } from '../partition-access.ts'
import type { PartitionLog, TimestampAndOffset } from '../partition-log.ts'
import { topicError } from '../security/authorize.ts'

const EPOCHS_SINCE = 4
const LATEST = -1n
const EARLIEST = -2n
const MAX_TIMESTAMP = -3n
const EARLIEST_LOCAL = -4n

/** The timestamps with a special meaning, and the version from which on each is known. */
const specialSince: ReadonlyMap<bigint, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  // The last two speak of remote storage, of which there is none: they find nothing.
  [-5n, 9],
  [-6n, 11],
])

export async function handleListOffsets(
  context: RequestContext,
  request: ListOffsetsRequest,
): Promise<ListOffsetsResponse> {
  const refused = repeated(request)
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map((partition) =>
        refused.has(`${name}-${partition.partitionIndex}`)
          ? notFound(partition, errorCodes.INVALID_REQUEST)
          : findOffset(context, request.isolationLevel, name, partition),
      ),
    ),
  }))
  return { throttleTimeMs: 0, topics: await Promise.all(topics) }
}

/** The partitions that the request names more than once, as `name-index`. */
function repeated({ topics }: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>()
  const again = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const place = `${name}-${partitionIndex}`
      if (seen.has(place)) again.add(place)
      else seen.add(place)
    }
  }
  return again
}

async function findOffset(
  context: RequestContext,
  isolationLevel: number,
  topic: string,
  asked: ListOffsetsPartition,
): Promise<ListOffsetsPartitionResponse> {
  const { state, node, version } = context
  const { partitionIndex, timestamp, currentLeaderEpoch } = asked
  const refusal = topicError(context, 'DESCRIBE', topic)
  if (refusal !== 0) return notFound(asked, refusal)
  if (timestamp < 0n && version < (specialSince.get(timestamp) ?? Infinity)) {
    return notFound(asked, errorCodes.UNSUPPORTED_VERSION)
  }
  const partition = state.topics.partition(topic, partitionIndex)
  if (partition === undefined) return notFound(asked, errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  const error = checkAccess(node, partition, currentLeaderEpoch, true)
  if (error !== 0) return notFound(asked, error)
  const { log } = partition
  const end = isolationLevel === 1 ? log.lastStableOffset : log.highWatermark
  const found = await search(log, timestamp, end)
  if (found === null) return notFound(asked, 0)
  const leaderEpoch = version >= EPOCHS_SINCE ? found.leaderEpoch : -1
  return { partitionIndex, errorCode: 0, ...found, leaderEpoch }
}

async function search(
  log: PartitionLog,
  timestamp: bigint,
  end: bigint,
): Promise<TimestampAndOffset | null> {
  if (timestamp === LATEST) {
    return { timestamp: -1n, offset: end, leaderEpoch: log.leaderEpoch }
  }
  if (timestamp === EARLIEST || timestamp === EARLIEST_LOCAL) {
    const offset = log.logStartOffset
    return { timestamp: -1n, offset, leaderEpoch: log.epochAt(offset) }
  }
  if (timestamp < MAX_TIMESTAMP) return null
  const found =
    timestamp === MAX_TIMESTAMP ? await log.findMaxTimestamp() : await log.findTimestamp(timestamp)
  return found !== null && found.offset < end ? found : null
}

function notFound(
  { partitionIndex }: ListOffsetsPartition,
  errorCode: number,
): ListOffsetsPartitionResponse {
  return { partitionIndex, errorCode, timestamp: -1n, offset: -1n, leaderEpoch: -1 }
}
