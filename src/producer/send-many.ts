// The one promise of a sendBatch(): it is settled when the last batch that took one of its records is.

import { BatchDeliveryError, type KafkaError, type SendResult } from '../errors.ts'
import type { BatchDeliveries } from './batch-deliveries.ts'
import { RecordMetadata } from './record-metadata.ts'

export class SendMany {
  readonly promise: Promise<RecordMetadata[]>
  private resolve: (results: RecordMetadata[]) => void = () => {}
  private reject: (error: Error) => void = () => {}
  /** Where each record went, or why it was not taken. */
  private readonly places: (BatchDeliveries | KafkaError)[] = []
  private readonly indexes: number[] = []
  private openBatches = 0
  private waiting = 0
  private isComplete = false

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /** Record `i` was appended to a batch as its record `index`. */
  placed(i: number, deliveries: BatchDeliveries, index: number): void {
    this.places[i] = deliveries
    this.indexes[i] = index
    deliveries.watch(this)
  }

  /** Record `i` was not taken. */
  refused(i: number, error: KafkaError): void {
    this.places[i] = error
    this.indexes[i] = -1
  }

  /** A record waits for metadata or memory; `admitted` is called when that is over. */
  held(): void {
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

  /** All records were given. */
  complete(): void {
    this.isComplete = true
    this.settleIfDone()
  }

  private settleIfDone(): void {
    if (!this.isComplete || this.waiting > 0 || this.openBatches > 0) return
    const metadata: RecordMetadata[] = []
    let failures = 0
    let firstError: KafkaError | null = null
    for (let i = 0; i < this.places.length; i++) {
      const outcome = this.outcomeOf(i)
      if (outcome instanceof RecordMetadata) metadata.push(outcome)
      else {
        failures++
        firstError ??= outcome
      }
    }
    if (firstError === null) this.resolve(metadata)
    else this.reject(this.failure(failures, firstError))
  }

  private outcomeOf(i: number): RecordMetadata | KafkaError {
    const place = this.places[i]
    return place instanceof Error ? place : place.outcomeOf(this.indexes[i])
  }

  private failure(failures: number, firstError: KafkaError): BatchDeliveryError<RecordMetadata> {
    const results = this.places.map((_, i): SendResult<RecordMetadata> => {
      const outcome = this.outcomeOf(i)
      return outcome instanceof RecordMetadata
        ? { metadata: outcome, error: null }
        : { metadata: null, error: outcome }
    })
    return new BatchDeliveryError(
      `${failures} of ${this.places.length} records were not acknowledged, the first with: ${firstError.message}. The error's results tell the fate of each`,
      { results, cause: firstError, retriable: firstError.retriable },
    )
  }
}
