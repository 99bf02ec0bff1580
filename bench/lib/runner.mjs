// Runs clients in turn (A B C, C B A, ...) against one target, so that a machine that slows down slows
// all of them and none always comes after the same other, and prints medians and ratios. CPU per record
// is the client process's own.

import { spawn } from 'node:child_process'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { clients, isInstalled } from '../clients/table.mjs'
import { lab } from './target.mjs'

/** One scenario: every chosen client and mode, `rounds` times. Answers its rows. */
export async function runScenario(scenario, target, admin) {
  const entries = chosenEntries(scenario)
  for (const entry of entries) entry.count = await sizeRun(entry, scenario, target, admin)
  for (let round = 0; round < scenario.rounds; round++) {
    for (const entry of round % 2 === 0 ? entries : entries.toReversed()) {
      if (entry.failed) continue
      const busyBefore = await busyShare()
      const row = await runOnce(entry, entry.count, scenario, target, admin)
      record(scenario, entry, round, { ...row, busyBefore })
      if (row.failed) entry.failed = row.failed
      else entry.rows.push({ ...row, busyBefore })
    }
  }
  return { scenario, entries }
}

function chosenEntries(scenario) {
  const entries = []
  for (const [name, only] of scenario.clients) {
    const client = clients[name]
    if (client === undefined) throw new Error(`no client ${name} in bench/clients/table.mjs`)
    if (!isInstalled(client)) {
      console.error(`left out: ${name} is not installed (npm run bench:peers builds it)`)
      continue
    }
    if (scenario.operation === 'produce' && !client.codecs.includes(scenario.compression)) continue
    const modes =
      only !== undefined
        ? [only]
        : (client.modes[scenario.operation] ?? (scenario.operation === 'latency' ? ['single'] : []))
    for (const mode of modes)
      entries.push({ id: `${name} ${mode}`, client, mode, rows: [], count: 0 })
  }
  return entries
}

/** A reader has no warm-up: in a shorter run its start and what it compiles are most of what is measured. */
const LEAST_READ_SECONDS = 4

/** How many records make a run of about `seconds`: found by probes, since clients differ by a hundred. */
async function sizeRun(entry, scenario, target, admin) {
  if (scenario.count > 0) return scenario.count
  if (scenario.operation === 'latency') return 2000
  const isRead = scenario.operation === 'consume'
  const most = isRead ? scenario.filled : scenario.maxBytes / scenario.size
  const seconds = isRead ? Math.max(LEAST_READ_SECONDS, scenario.seconds) : scenario.seconds
  let probe = entry.id === 'kafkajs single' ? 2000 : 50_000
  for (let i = 0; i < 2; i++) {
    const row = await runOnce(entry, Math.min(probe, most), scenario, target, admin)
    if (row.failed) {
      entry.failed = row.failed
      return 0
    }
    const wanted = Math.min(most, row.records_per_s * seconds)
    if (wanted < probe * 4) return Math.max(1000, Math.round(wanted))
    probe = Math.round(Math.min(wanted, probe * 8))
  }
  return probe
}

/** What the drivers call them. */
const operations = {
  produce: 'produce',
  consume: 'consume',
  latency: 'pingpong',
  transactions: 'produce',
}

let topics = 0

async function runOnce(entry, count, scenario, target, admin) {
  const { operation } = scenario
  if (operation === 'consume') return drive(entry, scenario.topic, count, scenario, target)
  const topic = `bench-${process.pid}-${topics++}`
  await admin.create(topic, scenario.partitions)
  const row = await drive(entry, topic, count, scenario, target)
  if (!row.failed) {
    const expected = row.records + row.warmup
    const found = await admin.count(topic)
    // Each end of a transaction takes an offset in each of its partitions.
    const isRight = operation === 'transactions' ? found > expected : found === expected
    if (!isRight) row.failed = `${found} records in the topic, ${expected} were sent`
    else if (row.errors > 0) row.failed = `${row.errors} sends failed`
  }
  await admin.remove(topic)
  return row
}

function drive(entry, topic, count, scenario, target) {
  const [command, ...first] = entry.client.command
  const options = {
    bootstrap: target.bootstrapServers,
    topic,
    count,
    size: scenario.size,
    compression: scenario.compression,
    values: scenario.compression === 'none' ? 'random' : 'json',
    linger: scenario.lingerMs,
    batch: scenario.batchSize,
    mode: entry.mode,
  }
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  if (scenario.operation !== 'consume') args.push('--idempotent')
  if (scenario.perTransaction > 0) args.push('--transaction', String(scenario.perTransaction))
  // Where code is compiled as it runs, the first hundred thousands cost several times the rest.
  if (operations[scenario.operation] === 'produce') {
    args.push('--warmup', String(Math.min(1_000_000, Math.ceil(count / 3))))
  }
  return new Promise((resolve) => {
    const child = spawn(command, [...first, operations[scenario.operation], ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...entry.client.env },
    })
    let out = ''
    let err = ''
    const limit = setTimeout(() => child.kill('SIGKILL'), 180_000)
    child.stdout.on('data', (data) => {
      out += data
    })
    child.stderr.on('data', (data) => {
      err += data
    })
    child.on('error', (error) => resolve({ failed: error.message }))
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      const line = out.split('\n').find((text) => text.startsWith('{'))
      if (line !== undefined) resolve(JSON.parse(line))
      else resolve({ failed: `ended with ${code ?? signal}: ${(err || out).trim().slice(-400)}` })
    })
  })
}

/** Share of the machine that other work takes, looked at while nothing of ours runs. */
async function busyShare() {
  const ticks = () => {
    const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].trim().split(/\s+/)
    const numbers = fields.slice(1, 9).map(Number)
    return { all: numbers.reduce((a, b) => a + b, 0), idle: numbers[3] + numbers[4] }
  }
  if (process.platform !== 'linux') return 0
  const before = ticks()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const after = ticks()
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all)
}

function record(scenario, entry, round, row) {
  mkdirSync(lab, { recursive: true })
  const line = {
    scenario: title(scenario),
    id: entry.id,
    round,
    at: new Date().toISOString(),
    ...row,
  }
  appendFileSync(`${lab}/results.jsonl`, `${JSON.stringify(line)}\n`)
}

export function title(scenario) {
  const { operation, perTransaction } = scenario
  const what = perTransaction > 0 ? `${operation} of ${perTransaction} records of` : operation
  return `${what} ${scenario.size} B, ${scenario.compression}, batches of ${scenario.batchSize} B, ${scenario.target}`
}

const median = (rows, key) => {
  const values = rows.map((row) => row[key]).sort((a, b) => a - b)
  const middle = values.length / 2
  return values.length % 2 ? values[middle - 0.5] : (values[middle] + values[middle - 1]) / 2
}

/** The medians as lib/report.mjs takes them. */
export function tableOf({ scenario, entries }) {
  const alive = entries.filter((entry) => entry.rows.length > 0)
  const rows = alive.flatMap((entry) => entry.rows)
  const noisy = rows.filter((row) => row.busyBefore > 0.25).length
  const middle = (entry, key, digits) => +median(entry.rows, key).toFixed(digits)
  const isLatency = scenario.operation === 'latency'
  return {
    title: title(scenario),
    chart: isLatency ? 'p50 µs' : 'CPU µs per record',
    runs: rows.length,
    runsBesideOtherWork: noisy,
    rows: alive.map((entry) =>
      isLatency
        ? {
            name: entry.id,
            'p50 µs': middle(entry, 'p50_us', 0),
            'p99 µs': middle(entry, 'p99_us', 0),
            'CPU µs per send': middle(entry, 'cpu_us_per_record', 1),
          }
        : {
            name: entry.id,
            'CPU µs per record': middle(entry, 'cpu_us_per_record', 3),
            // Where the machine is shared, a run is disturbed more often than not.
            least: +Math.min(...entry.rows.map((row) => row.cpu_us_per_record)).toFixed(3),
            'of the first': +(
              median(entry.rows, 'cpu_us_per_record') / median(alive[0].rows, 'cpu_us_per_record')
            ).toFixed(2),
            'records/s': middle(entry, 'records_per_s', 0),
            'MB/s': middle(entry, 'mb_per_s', 1),
            'RSS MB': middle(entry, 'max_rss_mb', 0),
            'records a run': entry.count,
          },
    ),
  }
}

/** Prints what went wrong and what disturbed. */
export function printNotes({ scenario, entries }, table) {
  const { runs, runsBesideOtherWork: noisy } = table
  console.log(
    `${scenario.rounds} rounds in turn, Node ${process.versions.node}, medians; ${noisy} of ${runs} runs with other work on the machine${noisy > 0 ? ': trust CPU before rates' : ''}`,
  )
  for (const entry of entries) if (entry.failed) console.log(`${entry.id} failed: ${entry.failed}`)
}
