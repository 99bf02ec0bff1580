// npm run bench -- heap: ten million records read in a small heap, however far behind the consumer is.
// Memory is bounded by the options (maxBufferedBytes and one answer per broker), not by the lag.

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const driver = fileURLToPath(new URL('./clients/kafkawire.mjs', import.meta.url))
const HEAP_MB = 128

const rows = [
  { name: '`batches()`, default options', args: ['--mode', 'batch'] },
  { name: '`for await`, default options', args: ['--mode', 'each'] },
  {
    name: '`batches()`, maxBufferedBytes 4 MiB, maxPartitionFetchBytes 256 KiB',
    args: ['--mode', 'batch', '--buffered', String(4 << 20), '--fetchpart', String(256 << 10)],
  },
]

/** Reads `count` records of `topic` for each row; throws if a run does not get through. */
export async function runHeap({ kind, bootstrapServers }, topic, count) {
  console.log(
    `\n### ${count.toLocaleString('en')} records of 100 B read from ${kind} with --max-old-space-size=${HEAP_MB}, Node ${process.versions.node}`,
  )
  console.log('| loop | greatest RSS MB | CPU µs per record |\n| --- | ---: | ---: |')
  for (const { name, args } of rows) {
    const { stdout } = await run(process.execPath, [
      `--max-old-space-size=${HEAP_MB}`,
      driver,
      'consume',
      ...['--bootstrap', bootstrapServers, '--topic', topic],
      ...['--count', String(count)],
      ...args,
    ])
    const { max_rss_mb, cpu_us_per_record, errors } = JSON.parse(stdout)
    if (errors > 0) throw new Error(`${name}: what was read is not what was written`)
    console.log(`| ${name} | ${max_rss_mb} | ${cpu_us_per_record.toFixed(3)} |`)
  }
}
