// What must hold of all frames that pass a proxy: they are decoded, and encoded again to the same bytes, also
// by codecs that know no tagged field.

import { expect } from 'vitest'
import type { PassedFrame } from '../../src/cli/proxy.ts'
import { decodeFrame, encodeFrame } from '../../src/protocol/frame.ts'
import { whileTagsAreForgotten } from '../protocol/forget-tags.ts'

export interface PassedSummary {
  /** How many frames of each API, direction and version there were. */
  readonly kinds: ReadonlyMap<string, number>
  /** How many tagged fields codecs that know none have written back. */
  readonly forgotten: number
}

/** Checks all frames. */
export function checkPassedFrames(passed: readonly PassedFrame[]): PassedSummary {
  const kinds = new Map<string, number>()
  for (const { frame } of passed) {
    if (frame.type !== 'request' && frame.type !== 'response') {
      throw new Error(frame.type === 'unreadable' ? frame.error.message : frame.type)
    }
    const name = `${frame.api.name} ${frame.type} v${frame.version}`
    kinds.set(name, (kinds.get(name) ?? 0) + 1)
    expect(frame.rest, name).toHaveLength(0)
    expect(encodeFrame(frame).equals(frame.raw), name).toBe(true)
  }
  // A proxy that knows no tagged field loses none.
  const forgotten = whileTagsAreForgotten(() => {
    for (const { frame } of passed) {
      if (frame.type !== 'request' && frame.type !== 'response') throw new Error(frame.type)
      const of = frame.type === 'request' ? null : (frame.request ?? null)
      const again = encodeFrame(decodeFrame(frame.raw, of))
      expect(again.equals(frame.raw), frame.api.name).toBe(true)
    }
  })
  return { kinds, forgotten }
}
