// One item of an admin call while it is asked about: what its attempts met, and its outcome.

import { type ItemResult, KafkaError } from '../errors.ts'

export class OpenItem<Item, Value> {
  readonly item: Item
  readonly index: number
  lastError: unknown = null
  wasMaybeDone = false
  /** How many responses have left it out. */
  omissions = 0
  private outcome: { value: Value } | { error: KafkaError } | null = null

  constructor(item: Item, index: number) {
    this.item = item
    this.index = index
  }

  get isDone(): boolean {
    return this.outcome !== null
  }

  succeed(value: Value): void {
    this.outcome = { value }
  }

  fail(error: KafkaError): void {
    this.outcome = { error }
  }

  result(item: string): ItemResult<Value> {
    if (this.outcome !== null && 'value' in this.outcome) {
      return { item, value: this.outcome.value, error: null }
    }
    const error = this.outcome?.error ?? new KafkaError(`${item} was not asked about`)
    return { item, value: null, error }
  }
}
