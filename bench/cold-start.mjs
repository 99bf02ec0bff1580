// npm run bench -- cold-start: what a process that starts from nothing takes. `kafkawire topics --list` beside
// Kafka's own program (whose shell script and logging, which are not among the jars, come on top), and the first
// record acknowledged and consumed by each client for Node. Each is a process, in turn.

import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { clients, isInstalled } from './clients/table.mjs'
import { openAdmin } from './lib/admin.mjs'
import { startTarget } from './lib/target.mjs'

const run = promisify(execFile)
const commandLine = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
/** The arguments of kafka-run-class.sh. */
const jvm = ['-Xmx256M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']
const size = 100

/** @returns the tables, as lib/report.mjs takes them */
export async function runColdStart(rounds) {
  const target = await startTarget('kafka')
  try {
    return [await topicList(target, rounds), ...(await firstRecord(target, rounds))]
  } finally {
    await target.stop()
  }
}

async function topicList(target, rounds) {
  const { classPath } = await import('../test/harness/distribution.ts')
  const list = ['--bootstrap-server', target.bootstrapServers, '--list']
  const jars = await classPath(target.version)
  const commands = {
    kafkawire: [process.execPath, commandLine, 'topics', ...list],
    'kafka-topics': ['java', ...jvm, '-cp', jars, 'org.apache.kafka.tools.TopicCommand', ...list],
  }
  const times = inTurn(Object.keys(commands))
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) times.get(name).push(measure(command))
  }
  return table('`topics --list`', times)
}

async function firstRecord(target, rounds) {
  const names = ['kafkawire', 'kafkajs', 'platformatic', 'confluent'].filter((name) =>
    isInstalled(clients[name]),
  )
  const topic = `bench-cold-${process.pid}`
  const admin = await openAdmin(target.bootstrapServers)
  await admin.create(topic, 1)
  const produced = inTurn(names)
  const consumed = inTurn(names)
  for (let round = 0; round < rounds; round++) {
    for (const name of [...produced.keys()]) {
      try {
        produced.get(name).push(await drive(name, 'pingpong', 'single', topic, target))
        consumed.get(name).push(await drive(name, 'consume', 'each', topic, target))
      } catch (error) {
        console.error(`left out: ${name}: ${error.message.trim().slice(-400)}`)
        for (const times of [produced, consumed]) times.delete(name)
      }
    }
  }
  await admin.remove(topic)
  await admin.close()
  return [table('first record acknowledged', produced), table('first record consumed', consumed)]
}

async function drive(name, operation, mode, topic, target) {
  const [command, ...first] = clients[name].command
  const { stdout } = await run(command, [
    ...[...first, operation, '--bootstrap', target.bootstrapServers, '--topic', topic],
    ...['--count', '1', '--warmup', '0', '--size', String(size), '--mode', mode, '--idempotent'],
  ])
  const row = JSON.parse(stdout.split('\n').find((line) => line.startsWith('{')))
  if (operation === 'pingpong' && row.errors > 0) throw new Error(`${name}: the send failed`)
  return { wall: row.since_start_ms, cpu: row.since_start_cpu_ms }
}

const inTurn = (names) => new Map(names.map((name) => [name, []]))

function table(what, times) {
  const rows = [...times].map(([name, all]) => {
    const middle = (key) => all.map((one) => one[key]).sort((a, b) => a - b)[all.length >> 1]
    return { name, 'wall ms': Math.round(middle('wall')), 'CPU ms': Math.round(middle('cpu')) }
  })
  return { title: `Cold start: ${what}`, chart: 'wall ms', rows }
}

function measure(command) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], {
    encoding: 'utf8',
  })
  const match = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr.replaceAll(',', '.'))
  if (status !== 0 || match === null) throw new Error(`${command[0]} failed: ${stderr}`)
  const [wall, user, system] = match.slice(1).map((seconds) => 1000 * Number(seconds))
  return { wall, cpu: user + system }
}
