// How the cost of a record grows: with partitions, brokers, the size of values, and producers in one
// process. Against the in-process broker in a process of its own; CPU is the client's alone.

import { execFile, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { clients } from './clients/table.mjs'

const run = promisify(execFile)
const file = (name) => fileURLToPath(new URL(`./lib/${name}`, import.meta.url))
const usual = { nodes: 1, partitions: 6, size: 100, producers: 1 }
const series = [
  ['partitions', [1, 6, 10, 100, 1000, 10_000]],
  ['nodes', [1, 3, 10]],
  ['size', [10, 100, 1000, 10_000, 100_000, 1_000_000]],
  ['producers', [1, 10, 100]],
]

/** @param names builds of kafkawire, as `--compare` makes them; each is measured in turn */
export async function runGrowth(rounds, names = 'kafkawire') {
  const builds = names
    .split(',')
    .filter((name) => clients[name]?.command[1].endsWith('kafkawire.mjs'))
  for (const [dimension, points] of series) {
    const rows = points.flatMap((point) =>
      builds.map((build) => ({
        ...usual,
        [dimension]: point,
        build,
        produce: [],
        consume: [],
        rss: [],
        consumerRss: [],
      })),
    )
    for (let round = 0; round < rounds; round++) for (const row of rows) await measure(row)
    print(dimension, rows)
  }
}

async function measure(row) {
  const { nodes, partitions, size, producers, build } = row
  const records = Math.max(2000, Math.min(1_000_000, Math.floor(400e6 / size)))
  const broker = fork(file('testing-broker.mjs'), [String(nodes), `growth:${partitions}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  try {
    const bootstrapServers = await new Promise((resolve) => broker.once('message', resolve))
    const cell = async (operation) => {
      const job = { operation, bootstrapServers, topic: 'growth', size, records, producers }
      const { stdout } = await run(
        process.execPath,
        [file('growth-cell.mjs'), JSON.stringify(job)],
        { env: { ...process.env, ...clients[build].env } },
      )
      return JSON.parse(stdout)
    }
    const produced = await cell('produce')
    row.produce.push(produced.cpuMicros)
    row.rss.push(produced.rssMb)
    const consumed = await cell('consume')
    row.consume.push(consumed.cpuMicros)
    row.consumerRss.push(consumed.rssMb)
  } finally {
    broker.kill()
  }
}

function print(dimension, rows) {
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
  console.log(`\n### growth with ${dimension}, Node ${process.versions.node}, default options`)
  console.log(
    `| ${dimension} | build | produce, CPU µs per record | least | of the usual | consume, CPU µs per record | least | of the usual | producer RSS MB | consumer RSS MB |`,
  )
  console.log('| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const row of rows) {
    const base = rows.find(
      (other) => other.build === row.build && other[dimension] === usual[dimension],
    )
    const [produce, consume] = [median(row.produce), median(row.consume)]
    console.log(
      `| ${row[dimension].toLocaleString('en')} | ${row.build} | ${produce.toFixed(2)} | ${Math.min(...row.produce).toFixed(2)} | ${(produce / median(base.produce)).toFixed(2)} x | ${consume.toFixed(2)} | ${Math.min(...row.consume).toFixed(2)} | ${(consume / median(base.consume)).toFixed(2)} x | ${median(row.rss).toFixed(0)} | ${median(row.consumerRss).toFixed(0)} |`,
    )
  }
}
