// npm run bench -- cold-start: `kafkawire topics --list` beside Kafka's own program, each a process that
// starts from nothing, in turn; wall and processor time. Kafka's shell script and its logging, which are not
// among the jars, come on top for a user of the script.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startTarget } from './lib/target.mjs'

const commandLine = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
/** The arguments of kafka-run-class.sh. */
const jvm = ['-Xmx256M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']

export async function runColdStart(rounds) {
  const { classPath } = await import('../test/harness/distribution.ts')
  const target = await startTarget('kafka')
  try {
    const list = ['--bootstrap-server', target.bootstrapServers, '--list']
    const jars = await classPath(target.version)
    const commands = {
      kafkawire: [process.execPath, commandLine, 'topics', ...list],
      'kafka-topics': ['java', ...jvm, '-cp', jars, 'org.apache.kafka.tools.TopicCommand', ...list],
    }
    const times = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [name, command] of Object.entries(commands)) times[name].push(measure(command))
    }
    console.log(
      `\n### topics --list from a cold start, Node ${process.versions.node}, ${rounds} runs each, medians`,
    )
    console.log('| program | wall ms | CPU ms |\n| --- | ---: | ---: |')
    for (const [name, all] of Object.entries(times)) {
      const middle = (key) => all.map((one) => one[key]).sort((a, b) => a - b)[rounds >> 1]
      console.log(`| ${name} | ${middle('wall').toFixed(0)} | ${middle('cpu').toFixed(0)} |`)
    }
  } finally {
    await target.stop()
  }
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
