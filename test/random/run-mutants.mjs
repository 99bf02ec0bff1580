// npm run test:mutants: runs the random tests on each mutant of the client, and fails if one is not found.
// `npm run test:mutants -- <part of a name>` runs those alone; RANDOM_RUNS (default 600) bounds each.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

const root = fileURLToPath(new URL('../../', import.meta.url))
const server = await createServer({ root, logLevel: 'error', server: { middlewareMode: true } })
const { randomMutants } = await server.ssrLoadModule('/test/random/mutants.ts')
await server.close()

const wanted = process.argv[2] ?? ''
let survivors = 0
for (const { name, test } of randomMutants.filter((each) => each.name.includes(wanted))) {
  const begin = Date.now()
  const { stdout, stderr } = spawnSync(
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
  const reason = /RANDOM_SEED=.*?: (.*)/.exec(stdout + stderr)?.[1]
  if (reason === undefined) survivors++
  const seconds = Math.round((Date.now() - begin) / 1000)
  console.log(
    `${reason === undefined ? 'SURVIVES' : 'found'}  ${name} (${seconds} s)  ${reason ?? ''}`,
  )
}
console.log(survivors === 0 ? 'all mutants are found' : `${survivors} mutants survive`)
process.exit(survivors === 0 ? 0 : 1)
