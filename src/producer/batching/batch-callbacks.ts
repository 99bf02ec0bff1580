// Who asked for the outcome of a batch's records, and the telling of it: once, in append order. Where
// no caller asked, an acknowledgement costs nothing.

import type { KafkaError } from '../../errors.ts'
import type { BatchBuilder } from '../../records/batch-builder.ts'
import { RecordTimes } from '../../records/record-times.ts'
import { type BatchPlace, RecordMetadata } from '../record-metadata.ts'

/** What became of a batch. */
export interface BatchOutcome {
  readonly place: BatchPlace
  /** null: acknowledged. */
  readonly error: KafkaError | null
  /** Errors of single records, where they differ from that of the batch: by index in the batch. */
  readonly recordErrors: ReadonlyMap<number, KafkaError> | null
}

/** Waits for batches: one sendBatch(), whose records may be spread over many. */
export interface BatchWatcher {
  batchJoined(): void
  batchDone(): void
}

/** Called for each record when the outcome is known. */
export type RecordObserver = (
  error: KafkaError | null,
  metadata: RecordMetadata,
  context: unknown,
) => void

/** The place of a record that has none. */
export function unknownPlace(topic: string): BatchPlace {
  return { topic, partition: -1, baseOffset: -1n, logAppendTimeMs: -1 }
}

/** Where a batch's records went that was split: `first` is the parent's index of the child's record 0. */
export interface ChildDeliveries {
  readonly deliveries: BatchCallbacks
  readonly first: number
  readonly count: number
}

type Resolver = (outcome: RecordMetadata | Promise<never>) => void

// A promise is made for each send(), so its executor is one function for all, and only the resolver is
// kept: the other half of the pair would live as long for a failure that rarely comes.
let caught: Resolver = () => {}
function catchResolver(resolve: Resolver): void {
  caught = resolve
}

/** Receives what became of a record that has to wait. */
export interface Destination {
  /** It is record `index` of this batch. */
  placed(batch: { readonly deliveries: BatchCallbacks }, index: number): void
  /** It was not taken. */
  refused(error: KafkaError): void
}

/** The promise of a record that has to wait: whichever batch takes it settles it. */
export class SendDestination implements Destination {
  readonly promise: Promise<RecordMetadata>
  /** Told as well when the record is not taken. */
  onRefused: ((error: KafkaError) => void) | null = null
  private readonly resolver: Resolver

  constructor() {
    this.promise = new Promise(catchResolver)
    this.resolver = caught
  }

  placed({ deliveries }: { readonly deliveries: BatchCallbacks }, index: number): void {
    deliveries.settleAlso(this.resolver, index)
  }

  refused(error: KafkaError): void {
    this.onRefused?.(error)
    this.resolver(Promise.reject(error))
  }
}

const noTimes = new RecordTimes()

export class BatchCallbacks {
  private outcome: BatchOutcome | null = null
  private children: readonly ChildDeliveries[] | null = null
  /** The times of its records, once there is an outcome that a caller asked for. */
  private times = noTimes
  private readonly resolvers: Resolver[] = []
  /** Which record each resolver is for, where that is not 0, 1, 2 ... */
  private resolverIndexes: number[] | null = null
  private callers: BatchWatcher[] | null = null
  private contexts: unknown[] | null = null

  /** The promise of the record at `index`, which was just appended. */
  promise(index: number): Promise<RecordMetadata> {
    const promise = new Promise(catchResolver)
    this.settleAlso(caught, index)
    return promise
  }

  /** Calls `caller` when this batch has its outcome. */
  watch(caller: BatchWatcher): void {
    if (this.callers === null) this.callers = [caller]
    else if (this.callers[this.callers.length - 1] === caller) return
    else this.callers.push(caller)
    caller.batchJoined()
  }

  noteContext(index: number, context: unknown): void {
    this.contexts ??= []
    this.contexts[index] = context
  }

  /** The outcome of one record; null while there is none. */
  outcomeOf(index: number): RecordMetadata | KafkaError | null {
    const child = this.childOf(index)
    if (child !== null) return child.deliveries.outcomeOf(index - child.first)
    if (this.outcome === null) return null
    const error = this.outcome.recordErrors?.get(index) ?? this.outcome.error
    return error ?? new RecordMetadata(this.outcome.place, index, this.times.at(index))
  }

  /** Keeps the outcome. What is read from the records is read here: their bytes are used again after it. */
  decide(outcome: BatchOutcome, records: BatchBuilder, isObserved: boolean): void {
    this.outcome = outcome
    if (isObserved || this.resolvers.length > 0 || this.callers !== null)
      this.times = records.times()
  }

  /** Whether there is an outcome. */
  get isDecided(): boolean {
    return this.outcome !== null
  }

  /** Tells the observer the outcome of each of `count` records. */
  report(count: number, observer: RecordObserver): void {
    if (this.outcome === null) return
    const { place, error, recordErrors } = this.outcome
    for (let i = 0; i < count; i++) {
      const metadata = new RecordMetadata(place, i, this.times.at(i))
      observer(recordErrors?.get(i) ?? error, metadata, this.contexts?.[i])
    }
  }

  /** Settles the promises. */
  settle(): void {
    const { outcome, resolvers } = this
    if (outcome === null) return
    const { resolverIndexes } = this
    for (let i = 0; i < resolvers.length; i++) {
      const index = resolverIndexes === null ? i : resolverIndexes[i]
      const error = outcome.recordErrors?.get(index) ?? outcome.error
      resolvers[i](
        error === null
          ? new RecordMetadata(outcome.place, index, this.times.at(index))
          : Promise.reject(error),
      )
    }
    this.tellCallers()
  }

  /** The records went into children, which will tell their outcomes. */
  splitInto(children: readonly ChildDeliveries[]): void {
    for (const { deliveries, first, count } of children) {
      for (let i = 0; i < count; i++) {
        if (this.contexts !== null && first + i in this.contexts) {
          deliveries.noteContext(i, this.contexts[first + i])
        }
      }
      if (this.callers !== null) for (const caller of this.callers) deliveries.watch(caller)
    }
    this.children = children
    this.resolvers.forEach((resolver, i) => {
      const index = this.resolverIndexes?.[i] ?? i
      const child = this.childOf(index)
      child?.deliveries.settleAlso(resolver, index - child.first)
    })
    this.tellCallers()
  }

  /** `resolver` gets the outcome of the record at `index`. */
  settleAlso(resolver: Resolver, index: number): void {
    if (this.resolverIndexes !== null) this.resolverIndexes.push(index)
    else if (index !== this.resolvers.length) {
      this.resolverIndexes = this.resolvers.map((_, i) => i)
      this.resolverIndexes.push(index)
    }
    this.resolvers.push(resolver)
  }

  private childOf(index: number): ChildDeliveries | null {
    return this.children?.find(({ first, count }) => index < first + count) ?? null
  }

  private tellCallers(): void {
    if (this.callers !== null) for (const caller of this.callers) caller.batchDone()
  }
}
