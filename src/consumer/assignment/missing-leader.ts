// Why a partition has no leader to ask, as far as metadata tells.

import type { Cluster } from '../../cluster/cluster.ts'
import { leaderlessText } from '../../cluster/leaderless-partition.ts'
import { brokerError, errorCodes } from '../../protocol/error-codes.ts'
import type { TopicPartition } from '../../types.ts'

/** An assigned partition, of a consumer or a share consumer. */
export interface LeaderlessPartition extends Readonly<TopicPartition> {
  readonly name: string
  setProblem(reason: string, error: Error | null): void
}

/** Notes the problem on the partition, and asks for metadata. */
export function noteMissingLeader(cluster: Cluster, state: LeaderlessPartition): void {
  const { topic, partition, name } = state
  cluster.requestRefresh(`no leader of ${name} is known`)
  const known = cluster.topic(topic)
  const errorCode = cluster.topicError(topic)
  // Numbers come from the coordinator too, and need not be of this world.
  const found = known?.partitions[partition]
  if (known !== undefined && found === undefined) {
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
  } else if (found === undefined) {
    state.setProblem(`Nothing is known of topic "${topic}" yet: no broker returned metadata`, null)
  } else {
    state.setProblem(leaderlessText(name, found.errorCode), null)
  }
}
