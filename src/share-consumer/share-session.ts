// Share sessions (KIP-932): what one broker remembers of this member's requests, so that the next one names
// only what changed. It begins with epoch 0, each response raises the epoch, and it ends with its connection.
// No I/O. One session per broker, one request in flight.

import { partitionKey, type SentAcknowledgements } from './acknowledgements.ts'
import { SessionHold, type SharePartitionName } from './acquisition.ts'

const MAX_EPOCH = 2_147_483_647
const FINAL_EPOCH = -1

/** What a ShareFetch request says of partitions. */
export interface SessionTopics {
  readonly named: readonly SharePartitionName[]
  readonly forgotten: readonly SharePartitionName[]
}

export class ShareSession {
  /** Records that were acquired in it share its end. */
  readonly hold: SessionHold
  private nextEpoch = 0
  private readonly partitions = new Map<string, SharePartitionName>()

  constructor(nodeId: number) {
    this.hold = new SessionHold(nodeId)
  }

  /** 0: the next request opens it, and may carry no acknowledgements. */
  get epoch(): number {
    return this.nextEpoch
  }

  get isOpen(): boolean {
    return this.nextEpoch > 0
  }

  get finalEpoch(): number {
    return FINAL_EPOCH
  }

  /** What the next request has to say so that the broker fetches exactly `targets`. */
  next(targets: readonly SharePartitionName[], acknowledged: SentAcknowledgements): SessionTopics {
    const wanted = new Set(targets.map(partitionKey))
    const named: SharePartitionName[] = []
    for (const target of targets) {
      const key = partitionKey(target)
      if (!this.partitions.has(key) || acknowledged.has(key)) named.push(target)
      this.partitions.set(key, target)
    }
    const forgotten: SharePartitionName[] = []
    for (const [key, name] of this.partitions) {
      if (wanted.has(key)) continue
      this.partitions.delete(key)
      forgotten.push(name)
    }
    return { named, forgotten }
  }

  /** The broker has taken a request. */
  advance(): void {
    this.nextEpoch = this.nextEpoch === MAX_EPOCH ? 1 : this.nextEpoch + 1
  }
}
