// The one promise of a sendBatch(): it is settled when the last batch that took one of its records is.

import { BatchDeliveryError, KafkaError, type SendResult } from '../../errors.ts'
import { RecordMetadata } from '../record-metadata.ts'
import type { BatchCallbacks } from './batch-callbacks.ts'

export class SendMany {
  readonly promise: Promise<RecordMetadata[]>
  private resolve: (results: RecordMetadata[]) => void = () => {}
  private reject: (error: Error) => void = () => {}
  /** Where each record went, or why it was not taken; null: it waits. */
  private readonly places: (BatchCallbacks | KafkaError | null)[] = []
  private readonly indexes: number[] = []
  private openBatches = 0
  private waiting = 0
  private isComplete = false
  private isSettled = false

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Record `i` was appended to a batch as its record `index`. */
  placed(i: number, deliveries: BatchCallbacks, index: number): void {
    this.places[i] = deliveries
    this.indexes[i] = index
    deliveries.watch(this)
  }

  /** Record `i` was not taken. */
  refused(i: number, error: KafkaError): void {
    this.places[i] = error
    this.indexes[i] = -1
  }

  /** Record `i` waits for metadata or memory; `admitted` is called when that is over. */
  held(i: number): void {
    this.places[i] = null
    this.indexes[i] = -1
    this.waiting++
  }

  admitted(): void {
    this.waiting--
    this.settleIfDone()
  }

  batchJoined(): void {
    this.openBatches++
  }

  batchDone(): void {
    this.openBatches--
    this.settleIfDone()
  }

  /** The caller waits no longer: what has no outcome yet fails with `error`, as far as he is concerned. */
  abandon(error: KafkaError): void {
    this.settle(error)
  }

  /** All records were given. */
  complete(): void {
    this.isComplete = true
    this.settleIfDone()
  }

  private settleIfDone(): void {
    if (this.isComplete && this.waiting === 0 && this.openBatches === 0) this.settle(noOutcome)
  }

  /** @param forOpen the error of records without an outcome */
  private settle(forOpen: KafkaError): void {
    if (this.isSettled) return
    this.isSettled = true
    const outcomes: (RecordMetadata | KafkaError)[] = []
    const metadata: RecordMetadata[] = []
    for (let i = 0; i < this.places.length; i++) {
      const outcome = this.outcomeOf(i) ?? forOpen
      outcomes.push(outcome)
      if (outcome instanceof RecordMetadata) metadata.push(outcome)
    }
    if (metadata.length === outcomes.length) this.resolve(metadata)
    else this.reject(failure(outcomes))
  }

  private outcomeOf(i: number): RecordMetadata | KafkaError | null {
    const place = this.places[i]
    return place === null || place instanceof Error ? place : place.outcomeOf(this.indexes[i])
  }
}

/** Never seen: when nothing is open, every record has its outcome. */
const noOutcome = new KafkaError('a record of sendBatch() has no outcome')

function failure(
  outcomes: readonly (RecordMetadata | KafkaError)[],
): BatchDeliveryError<RecordMetadata> {
  const results = outcomes.map(
    (outcome): SendResult<RecordMetadata> =>
      outcome instanceof RecordMetadata
        ? { metadata: outcome, error: null }
        : { metadata: null, error: outcome },
  )
  const errors = results.flatMap(({ error }) => (error === null ? [] : [error]))
  return new BatchDeliveryError(
    `${errors.length} of ${results.length} records were not acknowledged, the first with: ${errors[0].message}. The error's results tell the fate of each`,
    { results, cause: errors[0], retriable: errors[0].retriable },
  )
}
