// npm run terminal: the command line on a terminal (tmux), as a person uses it: what each command shows, and
// what Ctrl-C does to it. The pictures of docs/guide/cli.md are written by it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Screen } from './screen.mjs'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const pictures = new URL('../../docs/guide/pictures/', import.meta.url)
mkdirSync(pictures, { recursive: true })

const broker = spawn(process.execPath, [program, 'broker', '--port', '0', '--topic', 'orders:3'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [listening] = await once(createInterface(broker.stdout), 'line')
const servers = listening.replace('listening on ', '')
// Takes connections and says nothing.
const silent = createServer(() => {}).listen(0, '127.0.0.1')
await once(silent, 'listening')
const silentServer = `127.0.0.1:${silent.address().port}`
const screen = new Screen({ KAFKAWIRE_BOOTSTRAP_SERVER: servers, TERM: 'xterm-256color' })
let failed = 0

/** Runs one command on an empty screen. */
async function scene(name, body) {
  screen.clear()
  await screen.shows(/^\$ *$/)
  try {
    await body()
    console.log(`passed: ${name}`)
  } catch (error) {
    failed++
    console.error(`FAILED: ${name}: ${error.message}`)
    screen.key('C-c')
    screen.key('C-c')
  }
}

async function keep(name, title) {
  writeFileSync(new URL(`${name}.svg`, pictures), await screen.picture(title))
}

/** The last command has ended with this exit code. */
async function exited(code) {
  screen.type('echo "exit code $?"')
  await screen.shows(new RegExp(`^exit code ${code}$`, 'm'))
}

try {
  screen.type(`kafkawire() { '${process.execPath}' '${program}' "$@"; }`)

  await scene('topics --describe shows a table', async () => {
    screen.type('kafkawire topics --describe --topic orders')
    await screen.shows(/PartitionCount: 3[\s\S]*\n +2 +1 +1 +1[\s\S]*\n\$ *$/)
    await keep('topics', 'kafkawire topics --describe')
    await exited(0)
  })

  await scene('produce takes lines, and Ctrl-C writes what was typed', async () => {
    screen.type('kafkawire produce --topic orders --partition 0')
    await screen.shows(/^> *$/m)
    screen.type('hello')
    await screen.shows(/>hello\n> *$/)
    screen.type('world')
    await screen.shows(/>world\n> *$/)
    screen.key('C-c')
    await screen.shows(/2 records written\.\n\$ *$/)
    await keep('produce', 'kafkawire produce')
    await exited(0)
  })

  await scene('consume follows, and Ctrl-C leaves the group', async () => {
    screen.type(
      'kafkawire consume --topic orders --group billing --from-beginning --property print.offset=true',
    )
    await screen.shows(/hello[\s\S]*world/)
    screen.key('C-c')
    await screen.shows(/Processed a total of 2 messages\n\$ *$/)
    screen.type('kafkawire groups --describe --group billing')
    await screen.shows(/Group billing \(classic, Empty\), total lag 0[\s\S]*\n\$ *$/)
    await keep('consume', 'kafkawire consume')
    await exited(0)
  })

  await scene('perf produce shows its progress, and Ctrl-C a summary', async () => {
    screen.type(
      'kafkawire perf produce --topic orders --num-records 5000000 --record-size 100 --throughput 20000',
    )
    await screen.shows(/produced: [\d,]{6,} of 5,000,000 \(\d+ %\), [\d,]+\/s, .* left/)
    await keep('perf-progress', 'kafkawire perf produce while it runs')
    screen.key('C-c')
    await screen.shows(/records sent, [\s\S]*99\.9th\.\n\$ *$/)
    if (/ left$/m.test(screen.text)) throw new Error(`progress is left behind:\n${screen.text}`)
    await keep('perf', 'kafkawire perf produce after Ctrl-C')
    await exited(0)
  })

  await scene('doctor finds nothing', async () => {
    screen.type('kafkawire doctor')
    await screen.shows(/ok +TCP[\s\S]*\n\$ *$/)
    await keep('doctor', 'kafkawire doctor')
  })

  await scene('doctor finds that a port does not speak TLS', async () => {
    screen.type('kafkawire doctor --command-property security.protocol=SSL')
    await screen.shows(/FINDING +TLS[\s\S]*1 finding\.[\s\S]*\n\$ *$/)
    await keep('doctor-finding', 'kafkawire doctor with a finding')
    await exited(1)
  })

  await scene('Ctrl-C ends doctor that waits', async () => {
    screen.type(`kafkawire doctor --bootstrap-server ${silentServer}`)
    await screen.shows(/ok +TCP/)
    screen.key('C-c')
    await screen.shows(/\^C\s*\$ *$/, 10_000)
  })

  await scene('Ctrl-C ends topics --describe that waits', async () => {
    const reached = once(silent, 'connection')
    screen.type(`kafkawire topics --describe --bootstrap-server ${silentServer}`)
    await reached
    screen.key('C-c')
    await screen.shows(/\^C\s*\$ *$/, 10_000)
    await exited(130)
  })
} finally {
  screen.close()
  broker.kill('SIGTERM')
  silent.close()
}
console.log(failed === 0 ? 'all passed' : `${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
