// The matrix: what each case writes into its folder, and the commands that must succeed there. A case
// that has `prints` must print it; others print the line of the scenario.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const scenario = readFileSync(join(here, 'scenario.js'), 'utf8')
const names = 'Kafka, KafkaError, ConfigError, codecImplementations'

const call = 'scenario(library, process.env.BOOTSTRAP, process.env.NAME)'
const report = `${call}.then((implementations) => console.log('ok ' + JSON.stringify(implementations)))`

/** The scenario as an ES module, and as CommonJS. */
export const esmProgram = `import { ${names} } from 'kafkawire'
const library = { ${names} }
await ${report}
${scenario}`
export const cjsProgram = `const library = require('kafkawire')
${report}
${scenario}`

/** Both module systems in one process: the same classes, so that nothing is there twice. */
const bothProgram = `${esmProgram}
import { createRequire } from 'node:module'
const required = createRequire(import.meta.url)('kafkawire')
for (const name of Object.keys(required)) {
  if (required[name] !== (await import('kafkawire'))[name]) throw new Error(name + ' is there twice')
}
`

const workerProgram = `import { Worker } from 'node:worker_threads'
const worker = new Worker(new URL('./program.mjs', import.meta.url))
worker.once('error', (error) => { throw error })
worker.once('exit', (code) => { process.exitCode = code })
`

const jestTest = `test('the scenario', async () => {
  console.log('ok ' + JSON.stringify(await ${call}))
}, 60_000)
`

const ncc = 'node_modules/@vercel/ncc/dist/ncc/cli.js'

/** Starts a program of a package, by its file. */
function bin(file, ...args) {
  return [process.execPath, join('..', 'node_modules', file), ...args]
}

function runtimes() {
  const cases = []
  for (const major of [20, 22, 24, 26]) {
    const node = join('..', 'node_modules', `node${major}`, 'bin', 'node')
    cases.push({
      group: 'Runtimes',
      name: `Node ${major}`,
      version: [node, '--version'],
      inCi: major === 24,
      packages: [`node${major}@npm:node-${nodePlatform()}@${major}`],
      files: { 'program.mjs': bothProgram, 'program.cjs': cjsProgram },
      commands: [
        [node, 'program.mjs'],
        [node, 'program.cjs'],
      ],
      how: '`import`, `require`, and both in one process',
    })
  }
  const bun = join('..', 'node_modules', 'bun-runtime', 'bin', 'bun')
  const deno = join('..', 'node_modules', 'deno-runtime', 'deno')
  cases.push(
    {
      group: 'Runtimes',
      name: 'Bun',
      version: [bun, '--version'],
      packages: [`bun-runtime@npm:@oven/bun-${process.platform}-${bunArch()}`],
      files: { 'program.mjs': esmProgram, 'program.cjs': cjsProgram },
      commands: [
        [bun, 'run', 'program.mjs'],
        [bun, 'run', 'program.cjs'],
      ],
      how: '`import` and `require`',
    },
    {
      group: 'Runtimes',
      name: 'Deno',
      version: [deno, '--version'],
      packages: [`deno-runtime@npm:@deno/${denoPlatform()}`],
      files: { 'program.mjs': esmProgram, 'program.cjs': cjsProgram },
      commands: [
        [deno, 'run', '-A', 'program.mjs'],
        [deno, 'run', '-A', 'program.cjs'],
      ],
      how: '`import` and `require`, `--allow-all`',
    },
    {
      group: 'Runtimes',
      name: 'worker_threads',
      version: [process.execPath, '--version'],
      files: { 'program.mjs': esmProgram, 'main.mjs': workerProgram },
      commands: [[process.execPath, 'main.mjs']],
      how: 'all of it in a worker',
    },
    {
      group: 'Runtimes',
      name: 'Without native packages',
      version: [process.execPath, '--version'],
      inCi: true,
      isBare: true,
      files: { 'program.mjs': esmProgram, 'program.cjs': cjsProgram },
      commands: [
        [process.execPath, 'program.mjs'],
        [process.execPath, 'program.cjs'],
      ],
      how: '`npm install --omit=optional`',
    },
  )
  return cases
}

function typescript() {
  const modules = [
    { module: 'commonjs', moduleResolution: 'node10', to: '6' },
    { module: 'node16', moduleResolution: 'node16' },
    { module: 'node20', moduleResolution: 'node16', from: '5.9' },
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ]
  return ['5.4', '5.9', '6', '7'].map((version) => {
    const folder = `typescript${version.replace('.', '')}`
    const commands = []
    let runs = 0
    for (const { module, moduleResolution, from = '0', to = '9' } of modules) {
      if (Number(version) < Number(from) || Number(version) > Number(to)) continue
      const isDeprecated = moduleResolution === 'node10' && version === '6'
      const sources = module === 'commonjs' ? ['typed.ts'] : ['typed.mts', 'typed.cts']
      const out = `out-${module}`
      const flags = ['--strict', '--target', 'es2022', '--types', 'node', '--outDir', out]
      flags.push('--module', module, '--moduleResolution', moduleResolution)
      flags.push('--skipLibCheck', 'false')
      if (module === 'commonjs') flags.push('--esModuleInterop')
      if (isDeprecated) flags.push('--ignoreDeprecations', '6.0')
      commands.push(bin(`${folder}/bin/tsc`, ...flags, ...sources))
      // What the setting `bundler` emits is for a bundler.
      if (moduleResolution === 'bundler') continue
      for (const source of sources) {
        commands.push([process.execPath, join(out, source.replace('ts', 'js'))])
        runs++
      }
    }
    const typed = readFileSync(join(here, 'typed.ts'), 'utf8')
    return {
      group: 'TypeScript',
      name: `TypeScript ${version}`,
      version: bin(`${folder}/bin/tsc`, '--version'),
      inCi: version === '5.4',
      packages: [`${folder}@npm:typescript@${version}`, '@types/node@20'],
      files: {
        'typed.ts': typed,
        'typed.mts': typed,
        'typed.cts': typed,
        'package.json': '{ "type": "commonjs" }',
      },
      commands,
      runs,
      prints: 'total 2.5 k true node:zlib',
      how: modules
        .filter(({ from = '0', to = '9' }) => version >= from && version <= to)
        .map(({ module, moduleResolution }) =>
          moduleResolution === 'bundler' ? '`bundler`' : `\`${module}\``,
        )
        .join(', '),
    }
  })
}

/** A bundle in one file is moved into an empty folder of its own and run there. */
function bundlers() {
  const program = { 'program.mjs': esmProgram, 'program.cjs': cjsProgram }
  const esbuild = (format, source, output) =>
    bin(
      'esbuild/bin/esbuild',
      source,
      '--bundle',
      '--platform=node',
      '--log-level=warning',
      '--target=node20',
      `--format=${format}`,
      `--outfile=${output}`,
    )
  return [
    {
      name: 'esbuild',
      inCi: true,
      packages: ['esbuild'],
      files: program,
      commands: [
        esbuild('esm', 'program.mjs', 'esm.mjs'),
        esbuild('cjs', 'program.cjs', 'cjs.cjs'),
        esbuild('esm', 'program.cjs', 'mixed.mjs'),
      ],
      bundles: ['esm.mjs', 'cjs.cjs', 'mixed.mjs'],
      how: 'ES modules and CommonJS, from `import` and from `require`',
    },
    {
      name: 'webpack',
      packages: ['webpack', 'webpack-cli'],
      files: {
        ...program,
        'webpack.config.cjs': `module.exports = ['program.mjs', 'program.cjs'].map((entry) => ({
  mode: 'production', target: 'node20', entry: './' + entry, stats: 'errors-warnings',
  output: { path: __dirname, filename: entry.replace('program.', 'bundle-') + (entry.endsWith('mjs') ? '.mjs' : '.cjs'),
    module: entry.endsWith('mjs') },
  experiments: { outputModule: entry.endsWith('mjs') },
}))`,
      },
      commands: [bin('webpack/bin/webpack.js', '--fail-on-warnings')],
      bundles: ['bundle-mjs.mjs', 'bundle-cjs.cjs'],
      how: 'ES modules and CommonJS, minified',
    },
    {
      name: 'ncc',
      packages: ['@vercel/ncc'],
      files: program,
      commands: [
        bin(ncc.replace('node_modules/', ''), 'build', 'program.cjs', '-o', 'cjs', '-q'),
        bin(ncc.replace('node_modules/', ''), 'build', 'program.mjs', '-o', 'esm', '-q'),
      ],
      bundles: ['cjs/index.cjs', 'esm/index.mjs'],
      how: 'ES modules and CommonJS',
    },
    {
      name: 'Rollup',
      packages: ['rollup', '@rollup/plugin-node-resolve', '@rollup/plugin-commonjs'],
      files: {
        ...program,
        'rollup.config.mjs': `import resolve from '@rollup/plugin-node-resolve'
import commonjs from '@rollup/plugin-commonjs'
export default {
  input: 'program.mjs', external: [/^node:/], plugins: [resolve(), commonjs()],
  output: { file: 'bundle.mjs', format: 'es' },
}`,
      },
      commands: [bin('rollup/dist/bin/rollup', '-c', '--failAfterWarnings')],
      bundles: ['bundle.mjs'],
      how: 'ES modules',
    },
    {
      name: 'Vite SSR',
      packages: ['vite'],
      files: {
        ...program,
        'vite.config.mjs':
          "export default { ssr: { noExternal: true, target: 'node' }, build: { ssr: 'program.mjs', outDir: 'out', target: 'node20' } }",
      },
      commands: [bin('vite/bin/vite.js', 'build', '--logLevel', 'warn')],
      bundles: ['out/program.mjs'],
      how: '`ssr.noExternal: true`',
    },
  ].map((one) => ({ group: 'Bundlers: one file alone in an empty folder', ...one }))
}

function testRunners() {
  const jest = (...flags) => [
    process.execPath,
    ...flags,
    join('..', 'node_modules/jest/bin/jest.js'),
  ]
  const typedTest = `import { ${names} } from 'kafkawire'
const library = { ${names} }
declare function scenario(...args: unknown[]): Promise<unknown>
${jestTest.replace('scenario(', '(globalThis as any).scenario(')}`
  return [
    {
      name: 'Jest, CommonJS',
      inCi: true,
      packages: ['jest@30'],
      files: {
        'package.json': '{ "jest": {} }',
        'scenario.test.cjs': `const library = require('kafkawire')\n${jestTest}\n${scenario}`,
      },
      commands: [[...jest(), '--testMatch', '**/*.test.cjs', '--silent=false', '--verbose=false']],
      package: 'jest',
      how: 'its defaults',
    },
    {
      name: 'Jest, ES modules',
      packages: ['jest@30'],
      files: {
        'package.json': '{ "type": "module", "jest": { "transform": {} } }',
        'scenario.test.mjs': `import { ${names} } from 'kafkawire'
const library = { ${names} }
${jestTest}
${scenario}`,
      },
      commands: [
        [...jest('--experimental-vm-modules'), '--testMatch', '**/*.test.mjs', '--verbose=false'],
      ],
      package: 'jest',
      how: '`--experimental-vm-modules`',
    },
    {
      name: 'ts-jest',
      packages: ['jest@30', 'ts-jest@29', 'typescript@npm:typescript@5.9', '@types/jest@30'],
      files: {
        'package.json': '{ "jest": { "preset": "ts-jest", "setupFiles": ["./setup.js"] } }',
        'tsconfig.json':
          '{ "compilerOptions": { "strict": true, "module": "commonjs", "target": "es2022", "esModuleInterop": true, "types": ["node", "jest"] } }',
        'setup.js': `${scenario}\nglobalThis.scenario = scenario`,
        'scenario.test.ts': typedTest,
      },
      commands: [[...jest(), '--verbose=false']],
      package: 'ts-jest',
      how: '`preset: "ts-jest"`, types checked',
    },
    {
      name: 'Vitest',
      packages: ['vitest', 'vite'],
      files: {
        'scenario.test.mjs': `import { ${names} } from 'kafkawire'
import { test } from 'vitest'
const library = { ${names} }
${jestTest}
${scenario}`,
      },
      commands: [bin('vitest/vitest.mjs', 'run', '--root', '.')],
      package: 'vitest',
      how: 'its defaults',
    },
    {
      name: 'node:test',
      files: {
        'scenario.test.mjs': `import { ${names} } from 'kafkawire'
import { test } from 'node:test'
const library = { ${names} }
test('the scenario', async () => {
  console.log('ok ' + JSON.stringify(await ${call}))
})
${scenario}`,
      },
      commands: [[process.execPath, '--test', 'scenario.test.mjs']],
      version: [process.execPath, '--version'],
      how: '`node --test`',
    },
  ].map((one) => ({ group: 'Test runners', ...one }))
}

export const cases = [...runtimes(), ...typescript(), ...bundlers(), ...testRunners()]

/** Writes the files of a case into its folder. */
export function writeFiles({ files }, folder) {
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

/** Copies a bundle alone into an empty folder and returns its path. */
export function isolate(file, folder) {
  mkdirSync(folder, { recursive: true })
  const copy = join(folder, file.replaceAll(/.*\//g, ''))
  cpSync(file, copy)
  return copy
}

function nodePlatform() {
  return `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
}

function bunArch() {
  return process.arch === 'arm64' ? 'aarch64' : process.arch
}

function denoPlatform() {
  const suffix = { linux: '-glibc', win32: '-msvc' }[process.platform] ?? ''
  return `${process.platform}-${process.arch}${suffix}`
}
