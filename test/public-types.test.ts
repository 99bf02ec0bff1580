// Every type in a public signature can be imported: what the doors export is walked in the declaration files
// that the compiler writes, and each name in them that comes from this package must be exported too.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const project = resolve(import.meta.dirname, '..')
let out: string

beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'kafkawire-types-'))
  const tsc = join(project, 'node_modules/.bin/tsc')
  const options = ['--emitDeclarationOnly', '--declaration', '--noEmit', 'false']
  const folders = ['--rootDir', 'src', '--outDir', out]
  execFileSync(tsc, ['-p', 'tsconfig.build.json', ...options, ...folders], { cwd: project })
}, 120_000)

afterAll(() => rmSync(out, { recursive: true, force: true }))

interface Declared {
  file: string
  name: string
}

/** What a declaration file exports from others, imports, and declares itself. */
interface DeclarationFile {
  exports: Map<string, Declared>
  imports: Map<string, Declared>
  declarations: Map<string, string>
}

const files = new Map<string, DeclarationFile>()

function read(file: string): DeclarationFile {
  const known = files.get(file)
  if (known !== undefined) return known
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const found: DeclarationFile = { exports: new Map(), imports: new Map(), declarations: new Map() }
  files.set(file, found)
  const named = /(import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/g
  for (const [, kind, list, path] of text.matchAll(named)) {
    const other = resolve(dirname(file), path).replace(/\.(js|ts)$/, '.d.ts')
    for (const entry of list.split(',')) {
      const [name, alias = name] = entry.replace('type ', '').trim().split(' as ')
      if (name === '') continue
      const target = kind === 'import' ? found.imports : found.exports
      target.set(alias, { file: other, name })
    }
  }
  for (const [, path] of text.matchAll(/export \* from '(\.[^']+)'/g)) {
    const other = resolve(dirname(file), path).replace(/\.(js|ts)$/, '.d.ts')
    const { exports, declarations } = read(other)
    for (const [name, origin] of exports) found.exports.set(name, origin)
    for (const name of declarations.keys()) found.exports.set(name, { file: other, name })
  }
  const declared =
    /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|enum) (\w+)/gm
  const starts = [...text.matchAll(declared)]
  for (const [i, match] of starts.entries()) {
    const body = text.slice(match.index, starts[i + 1]?.index ?? text.length)
    found.declarations.set(match[1], (found.declarations.get(match[1]) ?? '') + body)
  }
  return found
}

/** The place where a name is declared, through files that only pass it on. */
function origin({ file, name }: Declared): Declared {
  const next = read(file).exports.get(name)
  return next === undefined ? { file, name } : origin(next)
}

/** The text of a declaration that a user of it sees. */
function publicPart(text: string): string {
  return text
    .replaceAll(/^\s*(private|protected|#).*$/gm, '')
    .replaceAll(/^\s*constructor\([\s\S]*?\);$/gm, '')
    .replaceAll(/'[^']*'|`[^`]*`/g, "''")
}

/** Names in the declaration that are this package's, and not its own type parameters. */
function namesIn({ file, name }: Declared): Declared[] {
  const { imports, declarations } = read(file)
  const text = publicPart(declarations.get(name) ?? '')
  // The names of members and parameters are no types.
  const words = new Set(text.replaceAll(/\b\w+\??:/g, ' ').match(/\b[A-Z]\w+/g) ?? [])
  words.delete(name)
  return [...words].flatMap((word) => {
    const imported = imports.get(word)
    if (imported !== undefined) return [origin(imported)]
    return declarations.has(word) ? [{ file, name: word }] : []
  })
}

const doors = ['index', 'protocol', 'testing']

function exportsOf(door: string): Declared[] {
  const entry = join(out, `${door}.d.ts`)
  expect(existsSync(entry)).toBe(true)
  return [...read(entry).exports.values()].map(origin)
}

test.each(doors)('%s: every type that a signature names can be imported', (door) => {
  const exported = exportsOf(door)
  expect(exported.length).toBeGreaterThan(5)
  const known = doors.flatMap(exportsOf).map(({ file, name }) => `${file}:${name}`)
  const isKnown = new Set(known)
  const missing = new Set<string>()
  for (const declared of exported) {
    for (const used of namesIn(declared)) {
      // The structures inside of messages have names that are their messages' own: two may share one.
      if (used.file.includes('/protocol/messages/')) continue
      if (isKnown.has(`${used.file}:${used.name}`)) continue
      missing.add(`${used.name} (${relative(out, used.file)}), named by ${declared.name}`)
    }
  }
  expect([...missing].sort()).toEqual([])
})
