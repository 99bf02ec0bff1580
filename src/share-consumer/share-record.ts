// The record that a share consumer delivers: a consumer record that is locked for this member, and that
// wants to be acknowledged.

import { wallMsOf } from '../async/clock.ts'
import { InvalidArgumentError } from '../errors.ts'
import {
  ConsumerRecord,
  type ConsumerRecordJson,
  type ConsumerRecordObject,
} from '../records/consumer-record.ts'
import type { RecordContext } from '../records/record-context.ts'
import type { WaitOptions } from '../types.ts'
import { type Acquisition, RecordLock } from './acquisition.ts'

/** What becomes of a record, as on the wire. */
export const acknowledgeTypes = { GAP: 0, ACCEPT: 1, RELEASE: 2, REJECT: 3, RENEW: 4 } as const

/** How a record was acknowledged. */
export type Acknowledgement = 'accept' | 'release' | 'reject'

/** Sends what records say of themselves. */
export interface Acknowledger {
  acknowledge(record: ShareRecord<unknown, unknown>, type: number): void
  renew(
    records: readonly ShareRecord<unknown, unknown>[],
    options: WaitOptions | undefined,
  ): Promise<void>
}

/** The lock of a record, for the parts of a share consumer. */
export let lockOf: (record: ShareRecord<unknown, unknown>) => RecordLock

/**
 * A record of a share group. It is locked for this member until it is acknowledged or the lock's time is
 * over; then the group delivers it again, here or elsewhere, with a higher `deliveryCount`.
 */
export class ShareRecord<K = Buffer | null, V = Buffer | null> extends ConsumerRecord<K, V> {
  /** How many times the group has delivered the record, this time included: 1 for the first time. */
  readonly deliveryCount: number
  private readonly lock: RecordLock
  private readonly acknowledger: Acknowledger
  private type = 0

  static {
    lockOf = (record) => record.lock
  }

  /** @internal */
  constructor(
    batch: RecordContext<K, V>,
    acquisition: Acquisition,
    deliveryCount: number,
    acknowledger: Acknowledger,
  ) {
    super(batch)
    this.lock = new RecordLock(acquisition)
    this.deliveryCount = deliveryCount
    this.acknowledger = acknowledger
  }

  /** How it was acknowledged; null: not yet. */
  get acknowledgement(): Acknowledgement | null {
    switch (this.type) {
      case acknowledgeTypes.ACCEPT:
        return 'accept'
      case acknowledgeTypes.RELEASE:
        return 'release'
      case acknowledgeTypes.REJECT:
        return 'reject'
      default:
        return null
    }
  }

  /** When the lock ends, in milliseconds since 1970: an acknowledgement must have reached the broker. */
  get lockExpiresAt(): number {
    return wallMsOf(this.lock.heldUntil)
  }

  /**
   * The record is processed. The acknowledgement is sent with the next request to its broker, which is made
   * within half a second; `onAcknowledged` gets the outcome.
   * @throws {InvalidArgumentError} when the record was released or rejected before
   */
  accept(): void {
    this.acknowledge(acknowledgeTypes.ACCEPT)
  }

  /** The record could not be processed now: the group delivers it again, until its delivery limit. */
  release(): void {
    this.acknowledge(acknowledgeTypes.RELEASE)
  }

  /** The record cannot be processed: the group never delivers it again. */
  reject(): void {
    this.acknowledge(acknowledgeTypes.REJECT)
  }

  /**
   * Extends the lock by its whole time, for a record that takes long to process (KIP-1222). Settles when
   * the broker has done so.
   * @param options `timeoutMs` defaults to `defaultApiTimeoutMs`
   * @throws {UnsupportedVersionError} when the brokers are older than 4.2
   * @throws {AcknowledgementError} when the lock is lost: the record is delivered again
   * @throws {InvalidArgumentError} when the record was accepted, released or rejected before
   * @throws {TimeoutError} when the broker does not respond in time
   */
  async renew(options?: WaitOptions): Promise<void> {
    if (this.type !== 0) throw this.isAcknowledged('renewed')
    await this.acknowledger.renew([this], options)
  }

  override toObject(): ConsumerRecordObject<K, V> & { deliveryCount: number } {
    return { ...super.toObject(), deliveryCount: this.deliveryCount }
  }

  override toJSON(): ConsumerRecordJson & { deliveryCount: number } {
    return { ...super.toJSON(), deliveryCount: this.deliveryCount }
  }

  private acknowledge(type: number): void {
    if (this.type === type) return
    if (this.type !== 0) throw this.isAcknowledged('acknowledged again')
    this.acknowledger.acknowledge(this, type)
    this.type = type
  }

  private isAcknowledged(what: string): InvalidArgumentError {
    return new InvalidArgumentError(
      `The record at offset ${this.offset} of ${this.topic}-${this.partition} cannot be ${what}: ${this.acknowledgement}() was called before`,
    )
  }
}
