// A broker's response to a Produce request that stored nothing: one error code for every partition.

import type { ProduceRequest, ProduceResponse } from '../../src/protocol/messages/produce.ts'

/**
 * The response in which each partition of the request has `errorCode`. Where the log begins is left out, as most
 * refusals of a broker do; with UNKNOWN_PRODUCER_ID a producer decides by it.
 */
export function refusedProduce(
  request: ProduceRequest,
  errorCode: number,
  logStartOffset = -1n,
): ProduceResponse {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        index,
        errorCode,
        baseOffset: -1n,
        logAppendTimeMs: -1n,
        logStartOffset,
        recordErrors: [],
        errorMessage: null,
        currentLeader: { leaderId: -1, leaderEpoch: -1 },
      })),
    })),
    throttleTimeMs: 0,
    nodeEndpoints: [],
  }
}
