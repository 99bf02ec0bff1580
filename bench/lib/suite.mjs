// The benchmarks by name: which scenarios each is made of.

import { fileURLToPath } from 'node:url'
import { addCommit, clients, isInstalled } from '../clients/table.mjs'
import { openAdmin } from './admin.mjs'
import { buildCommit } from './compare.mjs'
import { fillTopic } from './fill.mjs'
import { printTables, writeReport } from './report.mjs'
import { printNotes, runScenario, tableOf } from './runner.mjs'
import { startTarget } from './target.mjs'

const list = (text) => text.split(',').filter(Boolean)

const defaults = {
  linger: '5',
  partitions: '6',
  'per-transaction': '100,1000,10000',
  rounds: '3',
  seconds: '3',
  count: '0',
  out: fileURLToPath(new URL('../results', import.meta.url)),
}

/** What is measured where the options do not say: without a word, and by name. */
const brief = {
  clients: 'kafkawire,kafkajs,platformatic',
  size: '100,1024',
  compression: 'none,lz4',
  batch: '1048576',
}
const usual = {
  produce: {
    clients: 'all',
    target: 'null,kafka',
    size: '100,1024',
    compression: 'none,lz4,zstd',
    batch: '1048576,16384',
  },
  consume: { ...brief, clients: 'all', target: 'null,kafka', compression: 'none,lz4,zstd' },
  latency: {
    clients: 'all',
    target: 'null,kafka',
    size: '100',
    compression: 'none',
    batch: '16384',
  },
  transactions: {
    clients: 'kafkawire:enqueue,kafkawire:single,java:single',
    size: '100',
    compression: 'none',
    batch: '1048576',
  },
}

/** What `all` is made of, so that it takes an hour and not a day; options change it. */
const everything = [
  ...['produce', 'consume', 'latency', 'transactions'],
  ...['cold-start', 'list-topics', 'rebalance', 'share-group'],
]
const brisk = { target: 'null', batch: '1048576', rounds: '3', seconds: '1' }

/** Runs the named benchmarks one after the other; the exit code says whether every client got through. */
export async function runAll(given, chosenOptions) {
  const isAll = given.includes('all')
  const names = isAll ? everything : given
  let options = isAll ? { ...brisk, ...chosenOptions } : { ...defaults, ...chosenOptions }
  options = { ...defaults, ...options }
  const { out } = options
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ')
  let failures = 0
  let other
  if (options.compare !== undefined) {
    other = buildCommit(options.compare)
    addCommit(other)
    options = { clients: `kafkawire,${other.commit}`, ...options }
  }
  if (names.includes('codec')) {
    const { runCodecs } = await import('../codec.mjs')
    await runCodecs()
  }
  if (names.includes('growth')) {
    const { runGrowth } = await import('../growth.mjs')
    await runGrowth(Number(options.rounds), options.clients)
  }
  const special = []
  if (names.includes('cold-start')) {
    const { runColdStart } = await import('../cold-start.mjs')
    special.push(...(await runColdStart(Number(options.rounds))))
  }
  if (names.includes('large-cluster')) {
    const { runLargeCluster } = await import('../large-cluster.mjs')
    await runLargeCluster(Number(options.rounds))
  }
  if (names.includes('observers')) {
    const { runObservers } = await import('../observers.mjs')
    special.push(...(await runObservers(Number(options.rounds), other)))
  }
  if (names.includes('hooks')) {
    const { runHooks } = await import('../hooks.mjs')
    special.push(...(await runHooks(Number(chosenOptions.rounds ?? 8))))
  }
  if (names.includes('list-topics')) {
    const { runListTopics } = await import('../list-topics.mjs')
    special.push(await runListTopics(Number(options.rounds)))
  }
  if (names.includes('rebalance')) {
    const { runRebalance } = await import('../rebalance.mjs')
    special.push(...(await runRebalance(Number(options.rounds))))
  }
  if (names.includes('share-group')) {
    const { runShareGroup } = await import('../share-group.mjs')
    const records = Number(options.count) || 200_000
    special.push(await runShareGroup(Number(options.rounds), records))
  }
  if (names.includes('soak')) {
    for (const kind of await targetKinds({ target: 'kafka', ...options })) {
      special.push(await measureSoak(kind, options))
    }
  }
  printTables(special)
  if (names.includes('assignors')) {
    const { runAssignors } = await import('../assignors.mjs')
    await runAssignors(Number(options.rounds))
  }
  if (names.includes('import')) {
    const { runImport } = await import('../import.mjs')
    runImport(21)
  }
  if (names.includes('heap')) {
    for (const kind of await targetKinds({ target: 'null,kafka', ...options })) {
      await measureHeap(kind, options)
    }
  }
  const tables = []
  const isBrief = names.length === 0
  for (const operation of isBrief ? ['produce', 'consume'] : names) {
    if (usual[operation] === undefined) continue
    const chosen = { ...(isBrief ? brief : usual[operation]), ...options }
    for (const kind of await targetKinds(chosen)) {
      failures += await onTarget(kind, operation, chosen, tables)
    }
  }
  tables.push(...special)
  if (tables.length > 0) writeReport(tables, out, command)
  return failures === 0 ? 0 : 1
}

async function measureHeap(kind, options) {
  const { runHeap } = await import('../heap.mjs')
  const count = Number(options.count) || 10_000_000
  const target = await startTarget(kind, {
    bootstrapServers: options['bootstrap-server'],
    partitions: Number(options.partitions),
  })
  try {
    if (target.kind === 'null') {
      await runHeap(target, 'pb-null-100', count)
      return
    }
    const topic = `bench-heap-${process.pid}`
    const admin = await openAdmin(target.bootstrapServers)
    await admin.create(topic, Number(options.partitions))
    // A batch more than is asked for: the driver counts whole ones.
    const filled = count + 10_000
    await fillTopic(target.bootstrapServers, { topic, size: 100, compression: 'none', filled })
    await runHeap(target, topic, count)
    await admin.remove(topic)
    await admin.close()
  } finally {
    await target.stop()
  }
}

async function measureSoak(kind, options) {
  const { runSoak, soakTopicConfigs } = await import('../soak.mjs')
  const target = await startTarget(kind, {
    bootstrapServers: options['bootstrap-server'],
    partitions: Number(options.partitions),
  })
  const topic = `bench-soak-${process.pid}`
  const admin = await openAdmin(target.bootstrapServers)
  try {
    await admin.create(topic, Number(options.partitions), soakTopicConfigs)
    return await runSoak(target, topic, Number(options.seconds))
  } finally {
    await admin.close()
    await target.stop()
  }
}

async function onTarget(kind, operation, options, tables) {
  const target = await startTarget(kind, {
    bootstrapServers: options['bootstrap-server'],
    partitions: Number(options.partitions),
  })
  const admin = await openAdmin(target.bootstrapServers)
  let failures = 0
  try {
    for (const batch of list(options.batch)) {
      for (const size of list(options.size)) {
        for (const compression of list(options.compression)) {
          const scenario = { operation, batch: Number(batch), size: Number(size), compression }
          const lengths = operation === 'transactions' ? options['per-transaction'] : '0'
          for (const perTransaction of list(lengths).map(Number)) {
            const what = { ...scenario, perTransaction }
            failures += await measure(what, target, admin, options, tables)
          }
        }
      }
    }
  } finally {
    await admin.close()
    await target.stop()
  }
  return failures
}

/** A real broker needs Java: where there is none, the in-process one stands for it. */
async function targetKinds(options) {
  if (options['bootstrap-server'] !== undefined) return ['given']
  if (options.target !== undefined && options.target !== 'null,kafka') return list(options.target)
  const { whyNoJava } = await import('../../test/harness/java.ts')
  const reason = whyNoJava()
  if (reason !== null) console.error(`no real broker (${reason}): the in-process one is used`)
  const real = reason === null ? 'kafka' : 'testing'
  return options.target === undefined ? [real] : ['null', real]
}

async function measure({ batch, ...what }, target, admin, options, tables) {
  const { operation, size, compression } = what
  const scenario = {
    ...what,
    target: target.kind,
    clients: chosenClients(options.clients),
    lingerMs: Number(options.linger),
    batchSize: batch,
    partitions: Number(options.partitions),
    rounds: Number(options.rounds),
    seconds: Number(options.seconds),
    count: Number(options.count),
    maxBytes: 1e9,
  }
  if (operation === 'consume') {
    // The null broker answers fetches of such a topic with canned batches, without end.
    const codec = compression === 'none' ? '' : `${compression}-`
    scenario.topic =
      target.kind === 'null' ? `pb-null-${codec}${size}` : `bench-filled-${size}-${compression}`
    scenario.filled = target.kind === 'null' ? 20_000_000 : Math.min(4_000_000, 1e9 / size)
    if (target.kind !== 'null') {
      await admin.create(scenario.topic, scenario.partitions)
      await fillTopic(target.bootstrapServers, scenario)
    }
  }
  const result = await runScenario(scenario, target, admin)
  const table = tableOf(result)
  if (table.rows.length > 0) {
    tables.push(table)
    printTables([table])
  }
  printNotes(result, table)
  if (operation === 'consume' && target.kind !== 'null') await admin.remove(scenario.topic)
  return result.entries.filter((entry) => entry.failed).length
}

function chosenClients(text) {
  if (text === 'all') {
    return Object.keys(clients)
      .filter((name) => isInstalled(clients[name]))
      .map((name) => [name, undefined])
  }
  return list(text).map((choice) => choice.split(':'))
}
