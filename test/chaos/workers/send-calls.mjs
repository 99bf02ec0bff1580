// For clients that only have a call that sends several records and a promise for all: one call per tick,
// several of them out at a time.

import { acked, failedMaybe } from './facts.mjs'

/** `send(records)` resolves to a Map of partition to the offset of its first record of this call. */
export function sendCalls(facts, mostOut, send) {
  const out = new Set()
  const errors = new Set()
  const call = async (records) => {
    try {
      const baseOffsets = await send(records)
      const seen = new Map()
      for (const { partition, sequence } of records) {
        const index = seen.get(partition) ?? 0
        seen.set(partition, index + 1)
        const base = baseOffsets.get(partition) ?? -1
        facts.add(acked, partition, sequence, base < 0 ? -1 : base + index)
      }
    } catch (error) {
      // These clients do not say whether a record may have been written.
      for (const { partition, sequence } of records) facts.add(failedMaybe, partition, sequence)
      if (!errors.has(error.message)) console.error(error)
      errors.add(error.message)
    }
  }
  return {
    // It is this file that makes the caller wait, not the client.
    mostWaitMs: () => 0,
    async send(records, isStopping) {
      const sending = call(records).finally(() => out.delete(sending))
      out.add(sending)
      while (out.size >= mostOut && !isStopping()) {
        await Promise.race([...out, new Promise((resolve) => setTimeout(resolve, 200))])
      }
    },
    async settle(timeoutMs) {
      let timer
      const late = new Promise((resolve) => {
        timer = setTimeout(resolve, timeoutMs)
      })
      await Promise.race([Promise.all(out), late])
      clearTimeout(timer)
    },
  }
}
