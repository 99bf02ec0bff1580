// What a share consumer says became of records: in ShareFetch and ShareAcknowledge (KIP-932).

import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'

export interface AcknowledgementBatch {
  firstOffset: bigint
  lastOffset: bigint
  /** One for all, or one for each offset: 0 gap, 1 accept, 2 release, 3 reject, 4 renew. */
  acknowledgeTypes: number[]
}

export function encodeAcknowledgementBatch(w: Writer, batch: AcknowledgementBatch): void {
  w.int64(batch.firstOffset)
  w.int64(batch.lastOffset)
  w.int8Array(batch.acknowledgeTypes)
  w.tags()
}

export function decodeAcknowledgementBatch(r: Reader): AcknowledgementBatch {
  const batch = {
    firstOffset: r.int64(),
    lastOffset: r.int64(),
    acknowledgeTypes: r.int8Array(),
  }
  r.tags()
  return batch
}
