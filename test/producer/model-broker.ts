// A partition as brokers keep it: a log, and what is remembered of each producer id. Its rules are those
// of Kafka: the last five batches are recognised, a first number is taken as it comes, an older epoch is
// refused. Entries are committed, or may be cut off when the leader changes.

import { errorCodes } from '../../src/protocol/error-codes.ts'
import { decodeBatch, type RecordBatch } from '../../src/records/decode-batch.ts'

interface Entry {
  value: string
  batch: RecordBatch
  isCommitted: boolean
}

interface Remembered {
  epoch: number
  last: number
  recent: { first: number; last: number; offset: number }[]
}

export interface ModelAnswer {
  errorCode: number
  baseOffset: bigint
  logStartOffset: bigint
}

export class ModelPartition {
  log: Entry[] = []
  logStart = 0
  leader = 1
  leaderEpoch = 1
  private readonly deleted: Entry[] = []
  private producers = new Map<bigint, Remembered>()
  /** Producers whose state was dropped. A broker before 2.5 refuses what does not begin at 0. */
  private readonly isOld: boolean

  constructor(isOld: boolean) {
    this.isOld = isOld
  }

  /** What the leader does with a batch, faults aside. */
  append(bytes: Buffer, isCommitted: boolean): ModelAnswer {
    const batch = decodeBatch(bytes)
    if (batch instanceof Promise) throw new Error('a batch of the model is not compressed')
    const { producerId, producerEpoch: epoch, baseSequence: first, recordCount } = batch
    const state = this.producers.get(producerId)
    const last = (first + recordCount - 1) & 0x7fffffff
    if (state !== undefined) {
      const duplicate = state.recent.find((r) => r.first === first && r.last === last)
      if (epoch === state.epoch && duplicate !== undefined) {
        if (isCommitted) this.commit()
        return this.answer(0, duplicate.offset)
      }
      if (epoch < state.epoch) return this.answer(errorCodes.INVALID_PRODUCER_EPOCH)
      const expected = epoch > state.epoch ? 0 : (state.last + 1) & 0x7fffffff
      if (first !== expected) return this.answer(errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER)
    } else if (this.isOld && first !== 0) {
      return this.answer(errorCodes.UNKNOWN_PRODUCER_ID)
    }
    const offset = this.logStart + this.log.length
    for (const { value } of batch.records) {
      this.log.push({ value: String(value), batch, isCommitted: false })
    }
    this.remember(batch, offset)
    if (isCommitted) this.commit()
    return this.answer(0, offset)
  }

  answer(errorCode: number, offset = -1): ModelAnswer {
    return {
      errorCode,
      baseOffset: BigInt(offset),
      logStartOffset: BigInt(this.logStart),
    }
  }

  /** All that is in the log now stays there. */
  commit(): void {
    for (let i = this.log.length - 1; i >= 0 && !this.log[i].isCommitted; i--) {
      this.log[i].isCommitted = true
    }
  }

  /** Another node leads. What was not committed may be gone; producers are known from the log. */
  elect(node: number, keepsAll: boolean): void {
    this.leader = node
    this.leaderEpoch++
    if (keepsAll) this.commit()
    const kept = this.log.findIndex((entry) => !entry.isCommitted)
    if (kept < 0) return
    this.log.length = kept
    this.producers = new Map()
    const seen = new Set<RecordBatch>()
    this.log.forEach(({ batch }, i) => {
      if (!seen.has(batch)) this.remember(batch, this.logStart + i)
      seen.add(batch)
    })
  }

  /** The log is deleted by its retention, and with it all that was known of producers. */
  forgetProducers(): void {
    this.commit()
    this.deleted.push(...this.log)
    this.logStart += this.log.length
    this.log = []
    this.producers = new Map()
  }

  /** Every record that was ever kept, by offset. */
  get history(): readonly string[] {
    return [...this.deleted, ...this.log].map(({ value }) => value)
  }

  private remember(batch: RecordBatch, offset: number): void {
    const { producerId, producerEpoch: epoch, baseSequence: first, recordCount } = batch
    const last = (first + recordCount - 1) & 0x7fffffff
    const old = this.producers.get(producerId)
    const recent = old?.epoch === epoch ? [...old.recent.slice(-4)] : []
    recent.push({ first, last, offset })
    this.producers.set(producerId, { epoch, last, recent })
  }
}
