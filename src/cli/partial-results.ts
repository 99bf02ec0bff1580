// Calls of which a part failed: what succeeded is printed first, and then the failures are thrown.

import { AdminError, type KafkaError } from '../errors.ts'
import { Interrupted } from './failures.ts'

/** What a call with several items came to. */
export interface Part<Item> {
  done: Item[]
  /** @throws AdminError if an item failed */
  finish: () => void
}

/** Those of `items` that a call changed, also when it failed for others. @throws any other error */
export async function doneBy<Item>(
  items: readonly Item[],
  call: Promise<unknown>,
): Promise<Part<Item>> {
  try {
    await call
    return { done: [...items], finish: () => {} }
  } catch (error) {
    if (!(error instanceof AdminError) || error.results.length !== items.length) throw error
    const { results } = error
    const finish = (): void => {
      throw error
    }
    return { done: items.filter((_, i) => results[i].error === null), finish }
  }
}

/** What the calls of a command gave, and what of it failed. */
export class PartialResults {
  private readonly failures: KafkaError[] = []

  /** What failed, item by item. */
  get errors(): KafkaError[] {
    return this.failures.flatMap((error) => (error instanceof AdminError ? error.errors : error))
  }

  /** What succeeded. @throws AdminError if nothing did, and any other error */
  async of<Value>(call: Promise<Value[]>): Promise<Value[]> {
    try {
      return await call
    } catch (error) {
      if (!(error instanceof AdminError)) throw error
      // Where brokers were asked for lists, the value of each is a list.
      const values = error.results.flatMap((result) => (result.error === null ? result.value : []))
      if (values.length === 0) throw error
      this.add(error)
      return values as Value[]
    }
  }

  /** Something failed, and the command continues. */
  add(error: KafkaError): void {
    this.failures.push(error)
  }

  /**
   * Waits for the command.
   * @throws what failed in its parts, and what it ended with
   */
  async endOf(command: Promise<void>): Promise<void> {
    const end: unknown[] = []
    try {
      await command
    } catch (error) {
      if (this.failures.length === 0 || error instanceof Interrupted) throw error
      end.push(error)
    }
    const errors: unknown[] = [...this.failures, ...end]
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors)
  }
}
