// DescribeLogDirs: the one directory of the node asked, and the sizes of its partitions.

import type {
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
} from '../../protocol/messages/describe-log-dirs.ts'
import type { RequestContext } from '../handler.ts'
import { clusterError } from '../security/authorize.ts'

const LOG_DIR = '/in-process'
const TOTAL_BYTES = 1n << 40n

export function handleDescribeLogDirs(
  context: RequestContext,
  request: DescribeLogDirsRequest,
): DescribeLogDirsResponse {
  const refusal = clusterError(context, 'DESCRIBE')
  if (refusal !== 0) return { throttleTimeMs: 0, errorCode: refusal, results: [] }
  const { state, node } = context
  const asked =
    request.topics === null
      ? null
      : new Map(request.topics.map(({ topic, partitions }) => [topic, partitions]))
  let used = 0n
  const topics = [...state.topics.all]
    .filter(({ name }) => asked === null || asked.has(name))
    .map(({ name, partitions }) => ({
      name,
      partitions: partitions
        .filter(({ replicas }) => replicas.includes(node.id))
        .filter(({ index }) => asked === null || asked.get(name)?.includes(index))
        .map(({ index, log }) => {
          const partitionSize = BigInt(log.sizeInBytes)
          used += partitionSize
          return { partitionIndex: index, partitionSize, offsetLag: 0n, isFutureKey: false }
        }),
    }))
    .filter(({ partitions }) => partitions.length > 0)
  const directory = { errorCode: 0, logDir: LOG_DIR, topics, isCordoned: false }
  const sizes = { totalBytes: TOTAL_BYTES, usableBytes: TOTAL_BYTES - used }
  return { throttleTimeMs: 0, errorCode: 0, results: [{ ...directory, ...sizes }] }
}
