// One loop over records or batches: the iterator behind `for await`. With implicit acknowledgement, asking
// for the next item accepts the one before; return() (break, or an exception in the body, which an iterator
// cannot tell apart) releases it.

import { onAbort } from '../async/wait.ts'
import type { ConsumerLoop } from '../consumer/delivery/iterators.ts'
import { InvalidArgumentError } from '../errors.ts'
import type { ShareBatch } from './share-batch.ts'
import type { ShareDelivery } from './share-delivery.ts'
import { lockOf, ShareRecord } from './share-record.ts'

/** What a loop gives. */
export type ShareItem<K, V> = ShareRecord<K, V> | ShareBatch<K, V>

/** The records of an item that have not been acknowledged. */
export function unacknowledged(item: ShareItem<unknown, unknown>): ShareRecord<unknown, unknown>[] {
  const records = item instanceof ShareRecord ? [item] : item.records
  return records.filter(({ acknowledgement }) => acknowledgement === null)
}

/**
 * What asking for more means for the item in hand.
 * @throws {InvalidArgumentError} when it lacks an acknowledgement that the mode demands
 */
export function finish(item: ShareItem<unknown, unknown>, isExplicit: boolean): void {
  const open = unacknowledged(item)
  if (!isExplicit) {
    for (const record of open) record.accept()
    return
  }
  const missed = open.find((record) => !lockOf(record).isRenewed)
  if (missed === undefined) return
  const { offset, topic, partition } = missed
  throw new InvalidArgumentError(
    `The record at offset ${offset} of ${topic}-${partition} was not acknowledged: with shareAcknowledgementMode 'explicit', call accept(), release() or reject() before the next record is asked for`,
  )
}

export class ShareLoop<K, V, T extends ShareItem<K, V>> implements ConsumerLoop<T> {
  private readonly delivery: ShareDelivery<K, V>
  private readonly take: () => T | null
  private readonly isExplicit: boolean
  private readonly signal: AbortSignal | undefined
  private held: T | null = null
  private pending: Promise<IteratorResult<T, undefined>> | null = null
  private isEnded = false
  private endWait: (() => void) | null = null
  private readonly unwatch: () => void

  constructor(
    delivery: ShareDelivery<K, V>,
    take: () => T | null,
    isExplicit: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.delivery = delivery
    this.take = take
    this.isExplicit = isExplicit
    this.signal = signal
    delivery.loops++
    this.unwatch = signal === undefined ? () => {} : this.watch(signal)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Calls that do not wait for the one before are served one after the other. */
  next(): Promise<IteratorResult<T, undefined>> {
    const step = (): Promise<IteratorResult<T, undefined>> => this.step()
    const result = this.pending === null ? this.step() : this.pending.then(step, step)
    const settled = (): void => {
      if (this.pending === result) this.pending = null
    }
    this.pending = result
    result.then(settled, settled)
    return result
  }

  private async step(): Promise<IteratorResult<T, undefined>> {
    if (this.isEnded) return { done: true, value: undefined }
    // The sessions are closed, and the item in hand is released with them.
    if (this.delivery.isEnded) this.held = null
    try {
      this.markDone()
      this.signal?.throwIfAborted()
      const item = await this.pull()
      this.signal?.throwIfAborted()
      if (item === null) {
        this.end()
        return { done: true, value: undefined }
      }
      this.held = item
      return { done: false, value: item }
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** A signal that outlives the consumer must not keep it in memory. */
  private watch(signal: AbortSignal): () => void {
    const unwatch = onAbort(signal, () => this.endWait?.())
    const forget = onAbort(this.delivery.ending, unwatch)
    return () => {
      unwatch()
      forget()
    }
  }

  /** With implicit acknowledgement: accepts the item in hand. With explicit: checks that it is acknowledged. */
  markDone(): void {
    const { held } = this
    if (held === null) return
    finish(held, this.isExplicit)
    this.held = null
  }

  /** The item in hand is acknowledged elsewhere. */
  forget(): void {
    this.held = null
  }

  /** Ends the loop. With implicit acknowledgement, the item in hand is released. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.end()
    return Promise.resolve()
  }

  private async pull(): Promise<T | null> {
    if (this.delivery.isEnded) return null
    const { fatalError } = this.delivery
    if (fatalError !== null) throw fatalError
    const item = this.take()
    if (item !== null) {
      this.delivery.served()
      return item
    }
    return this.delivery.wait(this.take, (end) => {
      this.endWait = end
    })
  }

  private end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.endWait?.()
    this.unwatch()
    this.delivery.loops--
    const { held } = this
    this.held = null
    if (held === null || this.isExplicit || this.delivery.isEnded) return
    for (const record of unacknowledged(held)) record.release()
  }
}
