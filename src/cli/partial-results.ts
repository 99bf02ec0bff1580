// Calls of which a part failed: what succeeded is printed first, and then the failures are thrown.

import { AdminError } from '../errors.ts'

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
