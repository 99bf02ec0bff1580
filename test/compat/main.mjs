// npm run compat: installs the packed tarball beside every runtime, compiler, bundler and test runner of
// the matrix (cases.mjs), runs one scenario in each, and writes the table of
// docs/guide/compatibility.md. Needs the npm registry.
//
//   npm run compat                 all of it, and the table
//   npm run compat -- --ci         the part that CI runs; no table
//   npm run compat -- esbuild Bun  cases whose names contain one of the words; no table

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TestCluster } from 'kafkawire/testing'
import { cases, isolate, writeFiles } from './cases.mjs'
import { writeTable } from './table.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const isCi = process.argv.includes('--ci')
const keepsFolder = process.argv.includes('--keep')

const chosen = cases.filter(
  ({ name, inCi }) =>
    (!isCi || inCi) &&
    (words.length === 0 || words.some((word) => name.toLowerCase().includes(word.toLowerCase()))),
)
if (chosen.length === 0) throw new Error(`no case has one of these words: ${words.join(', ')}`)

const lab = await mkdtemp(join(tmpdir(), 'kafkawire-compat-'))
const cluster = await TestCluster.start({ nodes: 1, autoCreateTopics: true, record: false })
const results = []
let runs = 0
try {
  const full = join(lab, 'full')
  const bare = join(lab, 'bare')
  const tarball = await pack()
  const packages = [...new Set(chosen.flatMap(({ packages = [] }) => packages))]
  await install(full, [tarball, ...packages])
  if (chosen.some(({ isBare }) => isBare)) await install(bare, [tarball, '--omit=optional'])

  for (const [index, one] of chosen.entries()) {
    const result = await attempt(one, index, one.isBare ? bare : full)
    results.push(result)
    console.log(
      `${result.error === null ? 'ok    ' : 'FAILED'} ${one.name} ${result.version} (${result.seconds.toFixed(0)} s)`,
    )
    if (result.error !== null) console.log(result.error)
  }
} finally {
  await cluster.close()
  if (keepsFolder) console.log(`kept: ${lab}`)
  else await rm(lab, { recursive: true, force: true })
}

const failed = results.filter(({ error }) => error !== null).length
if (words.length === 0 && !isCi && failed === 0) await writeTable(results)
console.log(`${results.length - failed} passed, ${failed} failed, 0 skipped`)
process.exitCode = failed === 0 ? 0 : 1

async function pack() {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', lab], { cwd: root })
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[')))
  return join(lab, filename)
}

async function install(folder, packages) {
  writeFiles({ files: { 'package.json': '{ "private": true }' } }, folder)
  // Compilers and runners of several ages share the folder, so their peers do not all agree.
  const flags = ['--no-audit', '--no-fund', '--legacy-peer-deps', '--ignore-scripts']
  await run('npm', ['install', ...flags, ...packages], { cwd: folder, maxBuffer: 1 << 26 })
}

/** Runs a case. `error` is null, or what went wrong. */
async function attempt(one, index, home) {
  const start = performance.now()
  const folder = join(home, `case-${index}`)
  writeFiles(one, folder)
  let error = null
  let implementations = ''
  try {
    const outputs = []
    for (const command of one.commands) {
      outputs.push(await execute(command, folder, `case-${index}`))
    }
    for (const [number, bundle] of (one.bundles ?? []).entries()) {
      const alone = isolate(join(folder, bundle), join(lab, 'alone', `${index}-${number}`))
      const command = [process.execPath, basename(alone)]
      outputs.push(await execute(command, dirname(alone), `alone-${index}-${number}`))
    }
    const wanted = one.prints ?? 'ok {"gzip":"node:zlib"'
    const printed = outputs.filter((output) => output.includes(wanted))
    if (printed.length < (one.runs ?? one.bundles?.length ?? one.commands.length)) {
      throw new Error(`did not print ${wanted} each time, but:\n${outputs.join('---\n')}`)
    }
    implementations = /ok (\{.*\})/.exec(outputs.at(-1) ?? '')?.[1] ?? ''
  } catch (thrown) {
    error = [thrown.message, ending(thrown), thrown.stdout].filter(Boolean).join('\n')
  }
  const seconds = (performance.now() - start) / 1000
  return { ...one, version: await versionOf(one, home, folder), error, seconds, implementations }
}

/** How a command ended: what fails without a word is told apart by that alone. stderr is in the message. */
function ending({ code, signal, killed }) {
  if (signal) return `ended by ${signal}${killed ? ', as it took too long' : ''}`
  if (typeof code !== 'number') return ''
  // Node ends with 13 when the program still awaits and nothing is left that could wake it.
  return `exit code ${code}${code === 13 ? ': an await never settled' : ''}`
}

async function execute([file, ...args], cwd, name) {
  const env = {
    ...process.env,
    BOOTSTRAP: cluster.bootstrapServers,
    // Topics and groups of each run are its own.
    NAME: `${name}-${runs++}`,
    NO_COLOR: '1',
    CI: 'true',
  }
  const limits = { timeout: 180_000, maxBuffer: 1 << 26 }
  const { stdout, stderr } = await run(file, args, { cwd, env, ...limits })
  return stdout + stderr
}

async function versionOf({ version, packages = [], package: name }, home, folder) {
  if (version !== undefined) {
    const [file, ...args] = version
    const { stdout } = await run(file, args, { cwd: folder }).catch(() => ({ stdout: '?' }))
    return /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] ?? '?'
  }
  const package_ = name ?? packages[0].replace(/(.)@.*/, '$1')
  const file = join(home, 'node_modules', package_, 'package.json')
  return JSON.parse(await readFile(file, 'utf8')).version
}
