// What the share fetcher keeps of one broker: the session, the acknowledgements that wait for it, and when
// it may be asked next. One request is in flight per broker.

import type { KafkaError } from '../errors.ts'
import type { Connection } from '../network/connection.ts'
import { type PartitionAcknowledgements, PendingAcknowledgements } from './acknowledgements.ts'
import { ShareSession } from './share-session.ts'

export class ShareBroker {
  readonly nodeId: number
  readonly acknowledgements: PendingAcknowledgements = new PendingAcknowledgements(false)
  readonly renewals: PendingAcknowledgements = new PendingAcknowledgements(true)
  session: ShareSession
  /** The connection that the session came by, and ends with. */
  connection: Connection | null = null
  isBusy = false
  /** Whether the request in flight asks for records. */
  isFetching = false
  /** By when the broker should have responded to the request in flight (monotonic ms). */
  dueAt = 0
  notBefore = 0
  failures = 0
  /** The last response (monotonic ms); 0: none yet. */
  respondedAt = 0
  /** Acknowledgements are sent now, and not with the next fetch. */
  isUrgent = false
  /** Settles when the request in flight is over. */
  settled: Promise<void> = Promise.resolve()

  constructor(nodeId: number) {
    this.nodeId = nodeId
    this.session = new ShareSession(nodeId)
  }

  /** Takes out what waits to be sent and has waited for longer than its locks. */
  takeLate(now: number): PartitionAcknowledgements[] {
    return [...this.acknowledgements.takeLate(now), ...this.renewals.takeLate(now)]
  }

  /**
   * Ends the session: what was acquired in it is lost.
   * @returns what waited to be sent in it, and has failed
   */
  endSession(error: KafkaError): PartitionAcknowledgements[] {
    const { hold } = this.session
    this.session = new ShareSession(this.nodeId)
    this.connection = null
    hold.lose(error)
    return [...this.acknowledgements.take().values(), ...this.renewals.take().values()]
  }
}
