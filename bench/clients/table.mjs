// The clients. To add one: write a driver with the common command line (lib/harness.mjs does it for
// Node), and add an entry here. `modes`: how each operation can be called. `codecs`: what its producer
// can compress. `needs`: what `npm run bench:peers` must have built, for those that are not npm packages.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lab } from '../lib/target.mjs'

const here = fileURLToPath(new URL('./', import.meta.url))
const all = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const node = (file) => [process.execPath, `${here}${file}`]

export const clients = {
  kafkawire: {
    command: node('kafkawire.mjs'),
    modes: { produce: ['enqueue', 'single', 'bulk'], consume: ['batch', 'each'] },
    codecs: all,
  },
  // One partition and no batching: it stands for Node itself where one record is sent at a time.
  bare: { command: node('bare.mjs'), modes: { latency: ['single'] }, codecs: all },
  kafkajs: {
    command: node('kafkajs.mjs'),
    modes: { produce: ['bulk', 'single'], consume: ['batch', 'each'] },
    codecs: all,
  },
  platformatic: {
    command: node('platformatic.mjs'),
    modes: { produce: ['bulk', 'single'], consume: ['each', 'iter'] },
    codecs: all,
  },
  confluent: {
    command: node('confluent.mjs'),
    modes: { produce: ['single', 'bulk'], consume: ['batch', 'each'] },
    codecs: all,
    needs: `${lab}/confluent/node_modules/@confluentinc/kafka-javascript/build/Release`,
  },
  java: {
    command: ['java', '-Xms512m', '-Xmx1g', '-cp', `${lab}/java:${lab}/kafka-lib/*`, 'PeerBench'],
    modes: { produce: ['single'], consume: ['batch', 'each'] },
    codecs: all,
    needs: `${lab}/java/PeerBench.class`,
  },
  librdkafka: {
    command: [`${lab}/bin/rdbench`],
    modes: { produce: ['single'], consume: ['batch', 'each'] },
    codecs: all,
    needs: `${lab}/bin/rdbench`,
  },
  'franz-go': {
    command: [`${lab}/bin/franz`],
    modes: { produce: ['single'], consume: ['batch', 'each'] },
    codecs: all,
    needs: `${lab}/bin/franz`,
  },
}

/** Adds kafkawire as it was at a commit: the same driver on another build of it. */
export function addCommit({ commit, entry }) {
  clients[commit] = { ...clients.kafkawire, env: { KAFKAWIRE_ENTRY: entry } }
}

/** Whether a client can be run here. */
export function isInstalled(client) {
  return client.needs === undefined || existsSync(client.needs)
}
