// Builds dist/ from src/:
//
//   cjs/     the library as CommonJS, with its declaration files. Node, Bun and Deno run this one, for
//            `require` and `import` alike, so that a process never holds two copies of it.
//   *.js     for `import`: re-export what cjs/ exports; *.d.ts likewise.
//   esm/     the library as ES modules, for bundlers (the condition "module").
//   cli/     the command line, which is whole in itself, with commander inside: users of the library install
//            no dependency for it. CommonJS too: loading it takes half as long, and a command is short.
//
// Source maps of the library point to src/, which is part of the package.

import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('../', import.meta.url))
const require = createRequire(import.meta.url)
const entries = ['index', 'protocol', 'testing', 'prometheus', 'opentelemetry', 'registry']

process.chdir(root)
rmSync('dist', { recursive: true, force: true })

const library = Object.fromEntries(entries.map((name) => [name, `src/${name}.ts`]))
await bundle(library, { dir: 'dist/cjs', format: 'cjs', chunkFileNames: 'chunk-[name].js' })
await bundle(
  {
    ...Object.fromEntries(entries.map((name) => [`esm/${name}`, `src/${name}.ts`])),
    // Not exported: the benchmarks compare its implementations.
    'esm/crc32c': 'src/records/crc32c.ts',
  },
  { dir: 'dist', format: 'es', chunkFileNames: 'esm/chunk-[name].js' },
)
await bundle(
  { main: 'src/cli/main.ts', 'test-broker': 'src/cli/test-broker.ts' },
  {
    dir: 'dist/cli',
    format: 'cjs',
    chunkFileNames: 'chunk-[name].js',
    // White space alone: there is half as much to read then, and stacks keep their names.
    minify: { compress: false, mangle: false },
    sourcemap: false,
  },
)
for (const name of ['cjs', 'cli']) {
  writeFileSync(`dist/${name}/package.json`, '{ "type": "commonjs" }\n')
}
chmodSync('dist/cli/main.js', 0o755)
copyFileSync('node_modules/commander/LICENSE', 'dist/cli/LICENSE-commander')
writeDeclarations()
for (const name of entries) writeImportEntry(name)

/** Bundles `input` (path without ending to source): one file per entry, and chunks that they share. */
async function bundle(input, output) {
  const build = await rolldown({
    input,
    cwd: root,
    platform: 'node',
    external: [/^node:/, /^@opentelemetry\//, /^@bufbuild\//, 'avsc', 'ajv'],
    // Warnings are faults: an unresolved import, a circle, a `require` that cannot be followed.
    onLog(level, log) {
      throw new Error(`${level} of the bundler: ${log.message}`)
    },
  })
  await build.write({
    entryFileNames: '[name].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
    // The declaration files have the documentation; here it would only cost time to load.
    comments: { legal: true, annotation: true, jsdoc: false },
    ...output,
  })
  await build.close()
}

/** Declaration files beside the CommonJS files. Their imports name `.ts` files, which are not there. */
function writeDeclarations() {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
    stdio: 'inherit',
  })
  for (const name of readdirSync('dist/cjs', { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue
    const file = `dist/cjs/${name}`
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replaceAll(/((?:from |import\()['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'))
  }
}

function writeImportEntry(name) {
  const names = Object.keys(require(`../dist/cjs/${name}.js`)).sort()
  const list = names.map((each) => `  ${each},\n`).join('')
  // Node looks through the text of a CommonJS file that is imported for what it exports, which takes a sixth of
  // the time that the library takes to load. A file that is required it does not.
  writeFileSync(
    `dist/cjs/whole-${name}.js`,
    `const library = require('./${name}.js')\n\nmodule.exports = library\n`,
  )
  writeFileSync(
    `dist/${name}.js`,
    `import library from './cjs/whole-${name}.js'\n\nexport const {\n${list}} = library\n`,
  )
  writeFileSync(`dist/${name}.d.ts`, `export * from './cjs/${name}.js'\n`)
}
