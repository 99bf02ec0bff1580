// npm run bench -- hooks: what metrics, tracing channels and interceptors cost when nothing listens. The client as
// it is, beside the same client with those cut out (lib/hook-cuts.json), by CPU time. A run of seconds tells less than
// a tenth on a machine that others use, so there are many short ones: three processes work in turn, whole, cut,
// and whole once more, which says how much of a difference is chance. Each slice is compared with its neighbour;
// a trio of processes gives one median, and the interval is that of the trios, as a process may be slow by its
// own luck (what was compiled when, and where it lies). Where even that tells little, there is a table by parts: what
// each hook costs by itself (lib/hook-parts.mjs).

import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { buildWithout } from './lib/build-without.mjs'
import { measureParts, partsEntry } from './lib/hook-parts.mjs'
import { startTarget } from './lib/target.mjs'

const worker = fileURLToPath(new URL('./clients/slices.mjs', import.meta.url))
/** What is cut out: `from` is once in its file, as test/metrics/hook-cuts.test.ts checks. */
const hookCuts = JSON.parse(readFileSync(new URL('./lib/hook-cuts.json', import.meta.url), 'utf8'))
/** Records of a slice: 50 to 100 ms. */
const counts = {
  'produce enqueue': 150_000,
  'produce send': 50_000,
  'consume batches': 400_000,
  'consume for await': 200_000,
}
const SLICES = 25
/** maxPollRecords. */
const SLICE_RECORDS = 500
const WARM_UP = 3

/**
 * @param trios how many times three processes are started
 * @returns the tables, as lib/report.mjs takes them
 */
export async function runHooks(trios) {
  const { whole, cut, parts } = await buildWithout('hooks', hookCuts, partsEntry)
  const costs = await measureParts(parts)
  const target = await startTarget('null', { partitions: 1 })
  const found = new Map(Object.keys(counts).map((what) => [what, []]))
  let perRequest
  try {
    for (let i = 0; i < trios; i++) {
      const trio = await runTrio([whole, cut, whole], target, i)
      perRequest = trio.perRequest
      for (const [what, one] of trio.results) found.get(what).push(one)
    }
  } finally {
    await target.stop()
  }
  return [partsTable(costs, perRequest, found), pairsTable(trios, found)]
}

/** What a record pays for each hook, beside the least CPU time that a record took. */
function partsTable(costs, perRequest, found) {
  const produced = costs.record + costs.produceRequest / perRequest.produce
  const consumed = costs.slice / SLICE_RECORDS + costs.fetchRequest / perRequest.fetch
  const rows = [...found].map(([what, all]) => {
    const ns = Math.min(...all.map((one) => one.least))
    const hooks = what.startsWith('produce') ? produced : consumed
    return {
      name: what,
      'least CPU ns per record': Math.round(ns),
      'ns of hooks': +hooks.toFixed(2),
      'of hooks, %': +((hooks / ns) * 100).toFixed(2),
    }
  })
  const { record, produceRequest, fetchRequest, slice } = costs
  const each = [
    `${record.toFixed(1)} ns a record sent`,
    `${produceRequest.toFixed(0)} a Produce request (${Math.round(perRequest.produce)} records)`,
    `${slice.toFixed(0)} a slice of ${SLICE_RECORDS} records`,
    `${fetchRequest.toFixed(0)} a Fetch request (${Math.round(perRequest.fetch)} records)`,
  ]
  return {
    title: `Hooks that nothing listens to, by parts: ${each.join(', ')}`,
    chart: 'of hooks, %',
    rows,
  }
}

function pairsTable(trios, found) {
  const rows = [...found].map(([what, all]) => {
    const hooks = interval(all.map((one) => one.hooks))
    const chance = interval(all.map((one) => one.chance))
    return {
      name: what,
      'CPU ns per record': Math.round(median(all.map((one) => one.ns))),
      'of hooks, %': hooks.mean,
      '± (95 %)': hooks.half,
      'the same build, %': chance.mean,
      '± (95 %) of that': chance.half,
    }
  })
  return {
    title: `Hooks that nothing listens to, whole and cut out: ${trios} × ${SLICES} slices`,
    chart: 'of hooks, %',
    rows,
  }
}

async function runTrio(entries, target, round) {
  const workers = await Promise.all(entries.map((entry) => start(entry, target)))
  const results = new Map()
  let perRequest
  try {
    for (const [what, count] of Object.entries(counts)) {
      const slices = workers.map(() => [])
      for (let slice = -WARM_UP; slice < SLICES; slice++) {
        // None always comes first, or after the same other.
        const shift = (slice + WARM_UP + round) % 3
        const order = [0, 1, 2].map((i) => (i + shift) % 3)
        if (slice % 2 !== 0) order.reverse()
        for (const index of order) {
          const cpu = await ask(workers[index], { what, count })
          if (slice >= 0) slices[index].push(cpu)
        }
      }
      const [whole, cut, again] = slices
      const above = (of, base) => median(of.map((cpu, i) => (cpu / base[i] - 1) * 100))
      results.set(what, {
        ns: (median(whole) * 1000) / count,
        least: (Math.min(...whole, ...again) * 1000) / count,
        hooks: above(whole, cut),
        chance: above(again, whole),
      })
    }
    perRequest = await ask(workers[0], { what: 'perRequest' })
  } finally {
    for (const each of workers) each.kill()
  }
  return { results, perRequest }
}

async function start(entry, { bootstrapServers }) {
  const child = fork(worker, [entry, bootstrapServers, 'pb-null-100'], {
    execArgv: ['--expose-gc'],
  })
  await next(child)
  return child
}

function ask(child, message) {
  child.send(message)
  return next(child)
}

function next(child) {
  return new Promise((resolve, reject) => {
    const ended = (code) => reject(new Error(`a worker ended with ${code}`))
    child.once('exit', ended)
    child.once('message', (message) => {
      child.off('exit', ended)
      resolve(message)
    })
  })
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[middle - 0.5] : (sorted[middle] + sorted[middle - 1]) / 2
}

/** 97.5 % points of Student's t by degrees of freedom, from 1. */
const t = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13]

function interval(values) {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)
  const half = (t[values.length - 2] ?? 1.96) * Math.sqrt(variance / values.length)
  return { mean: +mean.toFixed(2), half: +half.toFixed(2) }
}
