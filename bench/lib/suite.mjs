// The benchmarks by name: which scenarios each is made of.

import { clients, isInstalled } from '../clients/table.mjs'
import { openAdmin } from './admin.mjs'
import { fillTopic } from './fill.mjs'
import { printTable, runScenario } from './runner.mjs'
import { startTarget } from './target.mjs'

const list = (text) => text.split(',').filter(Boolean)

/** Runs the named benchmarks one after the other; the exit code says whether every client got through. */
export async function runAll(names, options) {
  let failures = 0
  if (names.includes('codec')) {
    const { runCodecs } = await import('../codec.mjs')
    await runCodecs()
  }
  if (names.includes('growth')) {
    const { runGrowth } = await import('../growth.mjs')
    await runGrowth(Number(options.rounds))
  }
  const overNetwork = names.filter((name) => name !== 'codec' && name !== 'growth')
  if (overNetwork.length === 0) return 0
  const target = await startTarget(await targetKind(options), {
    bootstrapServers: options['bootstrap-server'],
  })
  const admin = await openAdmin(target.bootstrapServers)
  try {
    for (const operation of overNetwork) {
      const sizes = operation === 'pingpong' ? ['100'] : list(options.size)
      const codecs = operation === 'pingpong' ? ['none'] : list(options.compression)
      for (const size of sizes) {
        for (const compression of codecs) {
          failures += await measure(operation, Number(size), compression, target, admin, options)
        }
      }
    }
  } finally {
    await admin.close()
    await target.stop()
  }
  return failures === 0 ? 0 : 1
}

async function targetKind(options) {
  if (options.target !== undefined) return options.target
  const { whyNoJava } = await import('../../test/harness/java.ts')
  const reason = whyNoJava()
  if (reason === null) return 'kafka'
  console.error(`no real broker (${reason}): the in-process one is used`)
  return 'testing'
}

async function measure(operation, size, compression, target, admin, options) {
  const scenario = {
    operation,
    size,
    compression,
    target: target.kind,
    clients: chosenClients(options.clients),
    lingerMs: Number(options.linger),
    batchSize: Number(options.batch),
    partitions: Number(options.partitions),
    rounds: Number(options.rounds),
    seconds: Number(options.seconds),
    count: Number(options.count),
    maxBytes: 1e9,
  }
  if (operation === 'consume') {
    // The null broker answers fetches of such a topic with canned batches, without end.
    scenario.topic =
      target.kind === 'null' ? `pb-null-${size}` : `bench-filled-${size}-${compression}`
    scenario.filled = target.kind === 'null' ? 20_000_000 : Math.min(4_000_000, 1e9 / size)
    if (target.kind !== 'null') {
      await admin.create(scenario.topic, scenario.partitions)
      await fillTopic(target.bootstrapServers, scenario)
    }
  }
  const result = await runScenario(scenario, target, admin)
  printTable(result)
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
