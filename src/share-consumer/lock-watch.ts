// Watches the locks of what a handler works on: a signal that aborts when they are lost, and renewals while
// the handler runs, for one that takes long.

import { monotonicMs } from '../async/clock.ts'
import { startTimer } from '../async/timers.ts'
import { least } from '../collections/long-lists.ts'
import { KafkaError } from '../errors.ts'
import { lockOf, type ShareRecord } from './share-record.ts'

export class LockWatch {
  private readonly records: readonly ShareRecord<unknown, unknown>[]
  private controller: AbortController | null = null
  private readonly stops: (() => void)[] = []
  private lossTimer: NodeJS.Timeout | undefined
  private renewTimer: NodeJS.Timeout | undefined
  private isOver = false

  constructor(records: readonly ShareRecord<unknown, unknown>[]) {
    this.records = records
  }

  /** Aborts when the lock of a record that is not acknowledged is lost. Made when it is first read. */
  get signal(): AbortSignal {
    if (this.controller !== null) return this.controller.signal
    const controller = new AbortController()
    this.controller = controller
    for (const session of new Set(
      this.records.map((record) => lockOf(record).acquisition.session),
    )) {
      this.stops.push(session.onLost(() => this.look()))
    }
    this.look()
    return controller.signal
  }

  /**
   * Renews when half of the lock's time is over, again and again.
   * @param renew settles when all locks are renewed
   */
  renewWith(
    renew: (records: readonly ShareRecord<unknown, unknown>[]) => Promise<void>,
    onFailure: (error: unknown) => void,
  ): void {
    if (this.isOver) return
    const waitMs = Math.max(1, (this.endsAt - monotonicMs()) / 2)
    this.renewTimer = startTimer(() => {
      renew(this.open).then(
        () => this.renewWith(renew, onFailure),
        (error: unknown) => {
          if (!this.isOver) onFailure(error)
        },
      )
    }, waitMs)
    this.renewTimer?.unref()
  }

  /** The handler is done. */
  stop(): void {
    this.isOver = true
    clearTimeout(this.lossTimer)
    clearTimeout(this.renewTimer)
    for (const stop of this.stops) stop()
  }

  private get open(): ShareRecord<unknown, unknown>[] {
    return this.records.filter(({ acknowledgement }) => acknowledgement === null)
  }

  private get endsAt(): number {
    return least(this.open.map((record) => lockOf(record).heldUntil))
  }

  private look(): void {
    clearTimeout(this.lossTimer)
    const { open, endsAt } = this
    if (this.isOver || open.length === 0) return
    const now = monotonicMs()
    const isLost = open.some((record) => lockOf(record).acquisition.session.lost !== null)
    if (isLost || now >= endsAt) {
      const { topic, partition, offset } = open[0]
      this.controller?.abort(
        new KafkaError(
          `The lock of the record at offset ${offset} of ${topic}-${partition} is lost: it is delivered again`,
        ),
      )
      return
    }
    // Looked at again then: the lock may have been renewed.
    this.lossTimer = startTimer(() => this.look(), Math.max(1, endsAt - now))
    this.lossTimer?.unref()
  }
}
