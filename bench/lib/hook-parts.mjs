// What each hook costs by itself when nothing listens, and how often a record pays for it. A loop of some µs is short
// enough to be left alone now and then on the busiest machine: the least of very many is what the code takes. It is a
// lower bound of the whole, as the processor has the loop's code and data at hand.

const ROUNDS = 400
const CALLS = 20_000

/** What bench/lib/build-without.mjs bundles for it. */
export const partsEntry = `
export { ProducerMetrics } from './src/producer/producer-metrics.ts'
export { NetworkMetrics } from './src/cluster/network-metrics.ts'
export { channels, Trace } from './src/diagnostics.ts'
export { tracesSends } from './src/producer/send-traces.ts'
export { traceBatches } from './src/producer/sending/batch-traces.ts'
export { DeliveryMetrics } from './src/consumer/delivery/delivery-metrics.ts'
`

/** @returns ns of one call of each */
export async function measureParts(file) {
  const library = await import(file)
  const { channels, Trace } = library
  const metrics = new library.ProducerMetrics()
  const observer = new library.NetworkMetrics().observerOf(1)
  const delivery = new library.DeliveryMetrics()
  const batch = {
    partition: { topic: { name: 't' }, partition: 0 },
    builder: { compressedSizeInBytes: 16_000, sizeInBytes: 16_000 },
    attempts: 1,
    count: 150,
    createdAt: 5,
  }
  const batches = [batch]
  const message = () => ({ clientId: 'c' })
  // What calls return is counted, or they would be compiled to nothing. The loop is part of what is measured.
  return {
    record: least((n) => {
      let found = 0
      for (let i = 0; i < n; i++) if (library.tracesSends()) found++
      return found
    }),
    produceRequest: least((n) => {
      let found = 0
      for (let i = 0; i < n; i++) {
        metrics.sent(batches, 1000 + i)
        library.traceBatches(batches, 'c', 1)
        observer.onWritten(16_000, 1000)
        observer.onResponse('Produce', 60, 1.5, 0, 1000)
        if (Trace.begin(channels.request, message) !== null) found++
      }
      return found
    }),
    fetchRequest: least((n) => {
      let found = 0
      for (let i = 0; i < n; i++) {
        observer.onWritten(100, 1000)
        observer.onResponse('Fetch', 1_000_000, 1.5, 0, 1000)
        if (Trace.begin(channels.request, message) !== null) found++
        if (Trace.begin(channels.fetch, message) !== null) found++
      }
      return found
    }),
    slice: least((n) => {
      let found = 0
      for (let i = 0; i < n; i++) {
        delivery.taken('t', 500)
        if (Trace.begin(channels.deliver, message) !== null) found++
      }
      return found
    }),
  }
}

function least(run) {
  let best = Number.POSITIVE_INFINITY
  let found = 0
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.hrtime.bigint()
    found += run(CALLS)
    const ns = Number(process.hrtime.bigint() - before) / CALLS
    // The first rounds are compiled meanwhile.
    if (round > 50 && ns < best) best = ns
  }
  if (found < 0) throw new Error('nothing was counted')
  return best
}
