// Codecs that know no tagged field, as if the tables of messages were older than all of them.

import { vi } from 'vitest'
import { Reader } from '../../src/protocol/reader.ts'

/** Runs `body` while every tagged field is one that no codec knows; returns how many of them there were. */
export function whileTagsAreForgotten(body: () => void): number {
  let forgotten = 0
  const { tagsInto } = Reader.prototype
  const spy = vi.spyOn(Reader.prototype, 'tagsInto').mockImplementation(function (
    this: Reader,
    struct: unknown,
  ) {
    tagsInto.call(this, struct, () => {
      forgotten++
    })
  } as typeof tagsInto)
  try {
    body()
  } finally {
    spy.mockRestore()
  }
  return forgotten
}
