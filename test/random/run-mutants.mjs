// npm run test:mutants: runs the random tests on each mutant of the client, and fails if one is not found.
// `npm run test:mutants -- <part of a name>` runs those alone; RANDOM_RUNS (default 600) bounds each.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

const root = fileURLToPath(new URL('../../', import.meta.url))
const server = await createServer({
  root,
  logLevel: 'error',
  server: { middlewareMode: true, ws: false },
})
const { randomMutants } = await server.ssrLoadModule('/test/random/mutants.ts')
await server.close()

const wanted = process.argv[2] ?? ''
let survivors = 0
for (const { name, test } of randomMutants.filter((each) => each.name.includes(wanted))) {
  const begin = Date.now()
  const { stdout, stderr, status } = spawnSync(
    'npx',
    ['vitest', 'run', '--project', 'exhaustive', `test/random/${test}`],
    {
      cwd: root,
      encoding: 'utf8',
      env: {
        RANDOM_RUNS: '600',
        ...process.env,
        RANDOM_MUTANT: name,
        RANDOM_SHRINK: 'off',
        NO_COLOR: '1',
      },
      maxBuffer: 1 << 28,
    },
  )
  const [, how, plans, reason] =
    /(RANDOM_SEED=.*?) \(after (\d+) plans.*?\): (.*)/.exec(stdout + stderr) ?? []
  if (reason === undefined) survivors++
  // Not by a plan: the machinery around them is red.
  if (reason === undefined && status !== 0) console.log((stdout + stderr).slice(-3000))
  const seconds = Math.round((Date.now() - begin) / 1000)
  console.log(
    reason === undefined
      ? `SURVIVES  ${name} (${seconds} s)`
      : `found by plan ${plans}  ${name} (${seconds} s, ${how})  ${reason}`,
  )
}
console.log(survivors === 0 ? 'all mutants are found' : `${survivors} mutants survive`)
process.exit(survivors === 0 ? 0 : 1)
