// Why a partition has no leader to ask, as far as metadata tells.

import type { Cluster } from '../../cluster/cluster.ts'
import { leaderlessText } from '../../cluster/leaderless-partition.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import type { AssignedPartition } from './assigned-partition.ts'

/** Notes the problem on the partition, and asks for metadata. */
export function noteMissingLeader(cluster: Cluster, state: AssignedPartition): void {
  const { topic, partition, name } = state
  cluster.requestRefresh(`no leader of ${name} is known`)
  const known = cluster.topic(topic)
  const errorCode = cluster.topicError(topic)
  if (known !== undefined && partition >= known.partitions.length) {
    const count = known.partitions.length
    const reason = `Topic "${topic}" has ${count} partitions (0 to ${count - 1}): there is no partition ${partition}`
    const error = brokerError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, reason)
    state.setProblem(reason, error)
  } else if (known === undefined && errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION) {
    const reason = `Topic "${topic}" does not exist. Check its name, or create it`
    state.setProblem(reason, brokerError(errorCode, reason))
  } else if (known === undefined && errorCode !== errorCodes.NONE) {
    const error = brokerError(errorCode, `Metadata of topic "${topic}"`, cluster.principal)
    state.setProblem(error.message, error)
  } else if (known === undefined) {
    state.setProblem(`Nothing is known of topic "${topic}" yet: no broker returned metadata`, null)
  } else {
    state.setProblem(leaderlessText(name, known.partitions[partition].errorCode), null)
  }
}
