// npm run profile -- produce|consume: a flame graph of kafkawire against the null broker, made by 0x.
// Options are those of the driver (lib/harness.mjs): --size 1024 --compression lz4 --mode single --count N.

import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('./', import.meta.url))
const [operation, ...options] = process.argv.slice(2)
if (operation !== 'produce' && operation !== 'consume') {
  console.error('npm run profile -- produce|consume [--size 100] [--compression none] [--mode ...]')
  process.exit(2)
}
if (!existsSync(`${here}node_modules/0x`)) {
  spawnSync('npm', ['ci', '--prefix', here, '--no-audit', '--no-fund'], { stdio: 'inherit' })
}
if (!existsSync(`${here}node_modules/kafkawire`)) {
  symlinkSync('../..', `${here}node_modules/kafkawire`, 'junction')
}
const { startTarget } = await import('./lib/target.mjs')
const given = (name, otherwise) => {
  const at = options.indexOf(`--${name}`)
  return at < 0 ? otherwise : options[at + 1]
}
const size = given('size', '100')
const codec = given('compression', 'none')
const topic =
  operation === 'produce' ? 'profile' : `pb-null-${codec === 'none' ? '' : `${codec}-`}${size}`
const folder = `${here}results/profile-${operation}`
rmSync(folder, { recursive: true, force: true })
const target = await startTarget('null')
const { status } = spawnSync(
  process.execPath,
  [
    `${here}node_modules/0x/cmd.js`,
    ...['--output-dir', folder, '--', process.execPath, `${here}clients/kafkawire.mjs`],
    ...[operation, '--bootstrap', target.bootstrapServers, '--topic', topic],
    ...['--mode', given('mode', operation === 'produce' ? 'enqueue' : 'batch')],
    ...['--count', given('count', '5000000'), '--idempotent', '--size', size],
    ...['--compression', codec],
  ],
  { stdio: 'inherit' },
)
await target.stop()
if (status === 0) console.log(`\nopen ${folder}/flamegraph.html`)
process.exit(status ?? 1)
