// npm run bench -- observers: what watching a client costs. A record sent (with a promise each) and a record
// consumed by run(), with nothing that listens, with a subscriber of every tracing channel, with prom-client and
// with OpenTelemetry; with --compare, beside another commit with nothing that listens. Each is a process, in turn.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openAdmin } from './lib/admin.mjs'
import { startTarget } from './lib/target.mjs'

const run = promisify(execFile)
const worker = fileURLToPath(new URL('./clients/observed.mjs', import.meta.url))
const observers = ['none', 'channels', 'prom-client', 'opentelemetry']

/**
 * @param other another build, as `buildCommit()` gives it; undefined: none
 * @returns the tables, as lib/report.mjs takes them
 */
export async function runObservers(rounds, other) {
  const target = await startTarget('testing')
  const admin = await openAdmin(target.bootstrapServers)
  const rows = observers.map((name) => ({ name, observer: name, env: {} }))
  if (other !== undefined) {
    const env = { KAFKAWIRE_ENTRY: other.entry }
    rows.unshift({ name: `none, ${other.commit}`, observer: 'none', env })
  }
  const results = new Map(rows.map(({ name }) => [name, []]))
  try {
    for (let round = 0; round < rounds; round++) {
      // Every other round in reverse: a machine grows warm, and slow.
      for (const { name, observer, env } of round % 2 === 0 ? rows : rows.toReversed()) {
        const topic = `bench-observed-${process.pid}-${round}-${observer}-${Object.keys(env).length}`
        await admin.create(topic, 1)
        const { stdout } = await run(
          process.execPath,
          [worker, observer, target.bootstrapServers, topic],
          {
            env: { ...process.env, ...env },
          },
        )
        results.get(name).push(JSON.parse(stdout))
        await admin.remove(topic)
      }
    }
  } finally {
    await admin.close()
    await target.stop()
  }
  return ['sent', 'consumed'].map((what) => ({
    title: `Observers: CPU of a record ${what}`,
    chart: 'CPU ns per record',
    rows: [...results].map(([name, all]) => ({
      name,
      'CPU ns per record': median(all.map((one) => one[what])),
    })),
  }))
}

function median(values) {
  return Math.round(values.sort((a, b) => a - b)[values.length >> 1])
}
