// Tagged fields that no codec knows, as a newer peer may send them (KIP-482). The reader keeps them with
// the struct that they ended, under a symbol, and the writer writes them back: a proxy that is older than
// its peers loses nothing. A copy by `{ ...struct }` keeps them too.

import { invalidValue } from './value-error.ts'

/** A tagged field as it stood on the wire. */
export interface UnknownTag {
  readonly tag: number
  readonly data: Buffer
}

const key: unique symbol = Symbol.for('kafkawire.unknownTags')

/** Whether any struct of this process has some: until then the writer does not look for them. */
export const seen = { any: false }

const none: readonly UnknownTag[] = Object.freeze([])

/** The tagged fields of a struct that its codec does not know, by rising tag. */
export function unknownTags(struct: object): readonly UnknownTag[] {
  return (struct as { [key]?: readonly UnknownTag[] })[key] ?? none
}

/**
 * Gives a struct the tagged fields that are written beside those that its codec knows.
 * @param isCopied whether `{ ...struct }` has them too
 * @throws {InvalidArgumentError} for what is not a struct, or not a list of tags
 */
export function setUnknownTags<T extends object>(
  struct: T,
  tags: readonly UnknownTag[],
  isCopied: boolean = true,
): T {
  if (struct === null || typeof struct !== 'object')
    throw invalidValue('struct', 'an object', struct)
  if (!Array.isArray(tags)) throw invalidValue('tags', 'an array', tags)
  seen.any = true
  return Object.defineProperty(struct, key, {
    value: tags,
    enumerable: isCopied,
    writable: true,
    configurable: true,
  })
}
