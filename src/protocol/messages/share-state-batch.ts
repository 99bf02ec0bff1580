// A run of records of a share partition that are in one state, as the share coordinator keeps them
// (KIP-932).

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface StateBatch {
  firstOffset: bigint
  lastOffset: bigint
  deliveryState: number
  deliveryCount: number
}

export function encodeStateBatch(w: Writer, batch: StateBatch): void {
  w.int64(batch.firstOffset)
  w.int64(batch.lastOffset)
  w.int8(batch.deliveryState)
  w.int16(batch.deliveryCount)
  w.tags()
}

export function decodeStateBatch(r: Reader): StateBatch {
  const batch = {
    firstOffset: r.int64(),
    lastOffset: r.int64(),
    deliveryState: r.int8(),
    deliveryCount: r.int16(),
  }
  r.tags()
  return batch
}
