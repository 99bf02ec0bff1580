// The producer id and epoch that new batches are numbered under. Partitions move to a new epoch one by
// one, each when it has nothing unresolved of an older one (partition-sequences.ts).

import type { KafkaError } from '../../errors.ts'

const MAX_EPOCH = 32_767

export class ProducerIdentity {
  /** Whether batches are numbered at all. */
  readonly isIdempotent: boolean
  /** Whether they are numbered in transactions only, and under epochs that the coordinator gives. */
  readonly isTransactional: boolean
  /** The number of the transaction that takes batches; 0: none does. */
  openTransaction = 0
  /** Whether a batch of the transaction was numbered, and so may have been tried. */
  hasNumbered = false
  /** The greatest version of Produce that may be used; undefined: any. */
  mostProduceVersion: number | undefined = undefined
  private id = -1n
  private currentEpoch = -1
  private fatal: KafkaError | null = null

  constructor(options: { isIdempotent: boolean; isTransactional?: boolean }) {
    this.isIdempotent = options.isIdempotent
    this.isTransactional = options.isTransactional ?? false
  }

  /** -1n while there is none. */
  get producerId(): bigint {
    return this.id
  }

  get epoch(): number {
    return this.currentEpoch
  }

  /** Why this producer can do nothing more; null while it can. */
  get fatalError(): KafkaError | null {
    return this.fatal
  }

  /** Whether a batch without a number can get one, or needs none. */
  get canNumber(): boolean {
    return !this.isIdempotent || this.id >= 0n
  }

  /** The response to InitProducerId. */
  adopt(producerId: bigint, epoch: number): void {
    this.id = producerId
    this.currentEpoch = epoch
  }

  /** Batches are taken into transaction `number` from now on. */
  enterTransaction(number: number, mostProduceVersion: number | undefined): void {
    this.openTransaction = number
    this.mostProduceVersion = mostProduceVersion
    this.hasNumbered = false
  }

  /** No batch gets a number any more. Those that have one continue. */
  closeTransaction(): void {
    this.openTransaction = 0
  }

  /**
   * Goes beyond an epoch that a partition can no longer use. Does nothing where that has happened
   * already, for another partition. At the last epoch a new producer id is needed.
   */
  bumpPast(producerId: bigint, epoch: number): void {
    if (producerId !== this.id || epoch < this.currentEpoch) return
    if (this.currentEpoch >= MAX_EPOCH) this.adopt(-1n, -1)
    else this.currentEpoch++
  }

  /** For good: there is no way back. */
  fail(error: KafkaError): void {
    this.fatal ??= error
  }
}
