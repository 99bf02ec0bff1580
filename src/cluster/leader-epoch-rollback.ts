// Decides when a leader epoch lower than the known one is believed after all: the cluster was restored
// from the past, and without this its clients would ask without success for ever.

const LEAST_ANSWERS = 5
const LEAST_MS = 5000

export interface RolledBackEpoch {
  topic: string
  partition: number
  leaderEpoch: number
  /** The broker that says so. */
  nodeId: number
  now: number
  /** Brokers of the cluster: where there are several, more than one must say so. */
  brokerCount: number
}

interface Claim {
  leaderEpoch: number
  count: number
  since: number
  nodes: Set<number>
}

export class LeaderEpochRollback {
  private readonly claims = new Map<string, Map<number, Claim>>()

  /** Counts one more response with this epoch; true if it is to be believed now. */
  agree(rewound: RolledBackEpoch): boolean {
    const { topic, partition, leaderEpoch, nodeId, now, brokerCount } = rewound
    let claims = this.claims.get(topic)
    if (claims === undefined) {
      claims = new Map()
      this.claims.set(topic, claims)
    }
    let claim = claims.get(partition)
    if (claim?.leaderEpoch !== leaderEpoch) {
      claim = { leaderEpoch, count: 0, since: now, nodes: new Set() }
      claims.set(partition, claim)
    }
    claim.count++
    claim.nodes.add(nodeId)
    const isAgreed =
      claim.count >= LEAST_ANSWERS &&
      now - claim.since >= LEAST_MS &&
      (claim.nodes.size > 1 || brokerCount === 1)
    if (isAgreed) this.forgetPartition(topic, partition)
    return isAgreed
  }

  /** A response did not repeat the claim. */
  forgetPartition(topic: string, partition: number): void {
    const claims = this.claims.get(topic)
    if (claims?.delete(partition) && claims.size === 0) this.claims.delete(topic)
  }

  forget(topic: string): void {
    this.claims.delete(topic)
  }
}
