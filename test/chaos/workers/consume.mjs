// What all consumer processes do alike: each fact into the ledger at once, so that a kill -9 takes none
// with it, until standard input ends; then close, and end by themselves. A worker gives
// `connect(options, note)`, which returns { close() }.

import { writeFileSync } from 'node:fs'
import { assigned, delivered, done, Facts, lost, notIntact, revoked, sought } from './facts.mjs'
import { watchHealth } from './health.mjs'
import { readValue } from './record.mjs'

export async function runConsumer(connect) {
  const options = JSON.parse(process.argv[2])
  const facts = new Facts(options.ledger)
  const health = watchHealth()
  const told = new Promise((resolve) => process.stdin.on('end', resolve))
  process.stdin.resume()
  const ofPartitions = (kind) => (partitions) => {
    for (const partition of partitions) facts.add(kind, partition, 0)
    facts.flush()
  }
  const note = {
    assigned: ofPartitions(assigned),
    revoked: ofPartitions(revoked),
    lost: ofPartitions(lost),
    /** Records of one partition, in the order in which they were handed over. */
    delivered(partition, records) {
      for (const { offset, value } of records) {
        const name = readValue(value)
        const isOwn = name?.producer === options.producer && name.partition === partition
        facts.add(delivered, partition, isOwn ? name.sequence : notIntact, Number(offset))
      }
      facts.flush()
    },
    sought(partition, offset) {
      facts.add(sought, partition, 0, Number(offset))
      facts.flush()
    },
    done(partition, offset) {
      facts.add(done, partition, 0, Number(offset))
      facts.flush()
    },
  }
  const client = await connect(options, note)
  console.log('started')
  await told
  const closing = Date.now()
  await client.close()
  facts.close()
  writeFileSync(options.summary, JSON.stringify({ ...health(), closeMs: Date.now() - closing }))
  console.log('closed')
  // No process.exit(): that a closed client lets the process end is one of the laws.
}

/** Some work on what was handed over, so that now and then something is in hand when a fault comes. */
export function work(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
