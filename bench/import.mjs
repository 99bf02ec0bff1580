// npm run bench -- import: what `import` of each client costs a process at its start. A process of its
// own for each time, in turn; medians.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const packages = ['kafkawire', 'kafkajs', '@platformatic/kafka']
const here = fileURLToPath(new URL('./', import.meta.url))

/** Times one import, without what the process itself takes to start. */
const program = `const start = performance.now()
const before = process.cpuUsage()
await import(process.argv[1])
const { user, system } = process.cpuUsage(before)
console.log(JSON.stringify({ ms: performance.now() - start, cpu: (user + system) / 1000 }))`

export function runImport(rounds) {
  const times = new Map(packages.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of packages) {
      const args = ['--input-type=module', '--eval', program, name]
      const text = execFileSync(process.execPath, args, { cwd: here, encoding: 'utf8' })
      times.get(name).push(JSON.parse(text))
    }
  }
  console.log(`\n### import, Node ${process.versions.node}, ${rounds} processes each`)
  console.log('| package | ms | least ms | CPU ms |\n| --- | ---: | ---: | ---: |')
  for (const [name, all] of times) {
    const [ms, cpu] = ['ms', 'cpu'].map((key) => all.map((one) => one[key]).sort((a, b) => a - b))
    const middle = rounds >> 1
    console.log(
      `| ${name} | ${ms[middle].toFixed(1)} | ${ms[0].toFixed(1)} | ${cpu[middle].toFixed(1)} |`,
    )
  }
}
