// What all load processes do alike: records at a steady rate, round robin over the partitions, each fact
// into the ledger, until standard input ends; then wait for what is out, close, and end by themselves.
// A worker gives `connect(options, facts)`, which returns { send(records), settle(), close(),
// mostWaitMs() }; `send` returns, or resolves, when there is room for more.

import { writeFileSync } from 'node:fs'
import { Facts, sent } from './facts.mjs'
import { watchHealth } from './health.mjs'
import { makeValue } from './record.mjs'

const tickMs = 5

export async function runLoad(connect) {
  const options = JSON.parse(process.argv[2])
  const facts = new Facts(options.ledger)
  const health = watchHealth()
  const state = { isStopping: false }
  process.stdin.on('end', () => {
    state.isStopping = true
  })
  process.stdin.resume()

  const client = await connect(options, facts)
  const flushing = setInterval(() => facts.flush(), 200)
  const sequences = new Array(options.partitions).fill(0)
  let partition = 0
  let made = 0
  let start = Date.now()
  console.log('started')
  while (!state.isStopping) {
    const due = options.rate === 0 ? 1000 : ((Date.now() - start) * options.rate) / 1000 - made
    const records = []
    for (let i = 0; i < due; i++) {
      const sequence = sequences[partition]++
      const size = sizeOf(options, sequence)
      const value = makeValue(options.producer, partition, sequence, size)
      records.push({ partition, sequence, value })
      facts.add(sent, partition, sequence)
      partition = (partition + 1) % options.partitions
    }
    made += records.length
    const before = Date.now()
    if (records.length > 0) await client.send(records, () => state.isStopping)
    // Time spent waiting for room is not made up for: a burst afterwards would be no steady rate.
    const waited = Date.now() - before
    if (waited > 100) start += waited
    await new Promise((resolve) => setTimeout(resolve, options.rate === 0 ? 0 : tickMs))
  }
  await client.settle()
  const closing = Date.now()
  await client.close()
  clearInterval(flushing)
  facts.close()
  const summary = { ...health(), mostWaitMs: client.mostWaitMs(), closeMs: Date.now() - closing }
  writeFileSync(options.summary, JSON.stringify(summary))
  console.log('closed')
  // No process.exit(): that a closed client lets the process end is one of the laws.
}

/** The same for every run of a seed, so that the log can be read without knowing the sizes. */
function sizeOf({ sizes }, sequence) {
  return sizes[sequence % sizes.length]
}
