// Loops that give partitions back wake each other, and themselves.

import { expect, it } from 'vitest'
import { Assignment } from '../../../src/consumer/assignment/assignment.ts'
import { CompletedFetch } from '../../../src/consumer/buffer/completed-fetch.ts'
import { FetchedMemory, HeldBytes } from '../../../src/consumer/buffer/fetched-memory.ts'
import { Delivery } from '../../../src/consumer/delivery/delivery.ts'
import { batchStream } from '../../../src/consumer/delivery/iterators.ts'
import { encodeBatch } from '../../../src/records/encode-batch.ts'
import { rawSource } from '../../../src/records/record-context.ts'

type Raw = Buffer | null

/** A block of one record. */
async function block(offset: number): Promise<CompletedFetch<Raw, Raw>> {
  const bytes = await encodeBatch({
    baseOffset: BigInt(offset),
    partitionLeaderEpoch: 3,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestamp: 0n,
    maxTimestamp: 0n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records: [{ timestampDelta: 0n, offsetDelta: 0, headers: [], key: null, value: `v${offset}` }],
  })
  const options = { checkCrcs: true, maxDecompressedBytes: 1000, isReadCommitted: false }
  const memory = new FetchedMemory(bytes.length, new HeldBytes())
  const place = { fetchOffset: BigInt(offset), fetchEpoch: 3 }
  return new CompletedFetch(bytes, rawSource('t', 0), options, place, null, memory)
}

it('a loop that is woken while it gives a partition back hands out each batch once', async () => {
  const subscription = new Assignment<Raw, Raw>(rawSource)
  const delivery = new Delivery<Raw, Raw>(subscription, 500, null, {
    onRoom: () => {},
    onFailureTaken: () => {},
    onPull: () => {},
    onClock: () => {},
  })
  const state = subscription.add({ topic: 't', partition: 0 })
  state.seek(0n, -1)
  const ofLoop = () => batchStream(delivery, null, undefined, async () => {})
  const loop = ofLoop()
  // A second one, which asks for nothing: where there are several, who gives back wakes all.
  const other = ofLoop()
  for (const offset of [0, 1, 2, 3]) state.addBlock(await block(offset), BigInt(offset + 1), 3)
  delivery.offer(state)

  const got: bigint[] = []
  for (const offset of [0n, 1n, 2n, 3n]) {
    // The event loop has to turn first: then the loop is a waiting one when it looks.
    delivery.turnEndsAt = 0
    const { value } = await loop.next()
    got.push(value?.baseOffset ?? -1n)
    expect(got).toEqual([0n, 1n, 2n, 3n].slice(0, Number(offset) + 1))
    // In hand, and so neither done nor left out when it is given up.
    expect(loop.heldPartition).toBe(state)
    expect(state.committable).toBe(offset)
    expect(state.position).toBe(offset + 1n)
  }
  await loop.return()
  await other.return()
})
