// The layers of src/, read from its import lines: imports point down, never up, never in a circle.
// The table is changed only on purpose; docs/internals/architecture.md says what each layer is for.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const src = fileURLToPath(new URL('../src/', import.meta.url))

/** A number or a text by name, at the head of a file, in lower case. */
const constant =
  /^(?:export )?const ([a-z]\w*)(?:: \w+)? = (?:-?\d[\w.]*(?: [*+-] \d[\w.]*)*|'[^']*')$/gm
/** Those that programs import. */
const publicConstants: ReadonlySet<string> = new Set([
  'recordBatchOverhead',
  'defaultMaxDecompressedBytes',
])

/** What no layer above it may be missing from: imported by all. */
const ground = [
  'errors.ts',
  'types.ts',
  'logger.ts',
  'read-argument.ts',
  'optional-package.ts',
  'lazy-node.ts',
  'topic-partition.ts',
  'diagnostics.ts',
  'metrics',
  'options',
  'async',
  'collections',
  'serialization',
]

/** The delay of a call of `setTimeout` or `setInterval` that begins at `start`: its second argument. */
function delayOf(text: string, start: number): string {
  const args = ['']
  let depth = 0
  for (const char of text.slice(text.indexOf('(', start))) {
    if ('([{'.includes(char)) depth++
    if (')]}'.includes(char)) depth--
    if (depth === 0) break
    if (depth === 1 && char === ',') args.push('')
    else args[args.length - 1] += char
  }
  return (args[1] ?? '').trim()
}

/** For each folder or file of src/, the folders and files it may import beside itself. */
const mayImport: Record<string, readonly string[]> = {
  'error-text.ts': [],
  'read-argument.ts': ['errors.ts'],
  'errors.ts': ['error-text.ts'],
  'types.ts': [],
  'logger.ts': [],
  'optional-package.ts': [],
  'lazy-node.ts': [],
  'topic-partition.ts': ['errors.ts', 'types.ts'],
  'diagnostics.ts': [],
  metrics: ['async', 'lazy-node.ts'],
  adapters: [...ground, 'cluster', 'consumer', 'producer', 'records'],
  registry: [...ground],
  async: ['errors.ts', 'types.ts', 'logger.ts', 'read-argument.ts', 'lazy-node.ts'],
  collections: [],
  options: [
    'errors.ts',
    'types.ts',
    'logger.ts',
    'topic-partition.ts',
    'async',
    'lazy-node.ts',
    'read-argument.ts',
  ],
  serialization: ['errors.ts', 'types.ts', 'topic-partition.ts', 'async', 'read-argument.ts'],
  protocol: ['errors.ts', 'types.ts'],
  compression: ['errors.ts', 'types.ts', 'optional-package.ts', 'lazy-node.ts'],
  records: [
    'errors.ts',
    'types.ts',
    'optional-package.ts',
    'lazy-node.ts',
    'read-argument.ts',
    'protocol',
    'compression',
  ],
  network: [...ground, 'protocol'],
  cluster: [...ground, 'protocol', 'network'],
  telemetry: [...ground, 'protocol', 'compression', 'network', 'cluster'],
  testing: ['errors.ts', 'types.ts', 'read-argument.ts', 'protocol', 'records', 'compression'],
  producer: [...ground, 'protocol', 'records', 'compression', 'network', 'cluster', 'telemetry'],
  consumer: [...ground, 'protocol', 'records', 'compression', 'network', 'cluster', 'telemetry'],
  'share-consumer': [
    ...ground,
    'protocol',
    'records',
    'compression',
    'network',
    'cluster',
    'telemetry',
    'consumer',
  ],
  admin: [...ground, 'protocol', 'network', 'cluster', 'telemetry', 'consumer'],
  'pipe-errors.ts': ['errors.ts', 'protocol'],
  'pipe.ts': [
    ...ground,
    'pipe-errors.ts',
    'protocol',
    'records',
    'cluster',
    'producer',
    'consumer',
  ],
}

/** Within the consumer: for each folder, the folders that it may import beside itself. */
const consumerFloors: Record<string, readonly string[]> = {
  buffer: [],
  assignment: ['buffer'],
  fetching: ['buffer', 'assignment'],
  delivery: ['buffer', 'assignment'],
  run: ['buffer', 'assignment', 'delivery'],
  offsets: ['buffer', 'assignment', 'delivery'],
  group: ['buffer', 'assignment', 'delivery', 'offsets'],
  liveness: ['buffer', 'assignment', 'fetching', 'delivery', 'offsets', 'group'],
}

/** Within the producer: for each folder, the folders that it may import beside itself. */
const producerFloors: Record<string, readonly string[]> = {
  idempotence: [],
  batching: ['idempotence'],
  partitioning: ['idempotence', 'batching'],
  sending: ['idempotence', 'batching', 'partitioning'],
  admission: ['idempotence', 'batching', 'partitioning', 'sending'],
  transactions: ['idempotence', 'batching', 'partitioning', 'sending', 'admission'],
}

/** The top: may import everything that is not the top. */
const top = [
  'index.ts',
  'protocol.ts',
  'testing.ts',
  'prometheus.ts',
  'opentelemetry.ts',
  'registry.ts',
  'kafka.ts',
  'request-options.ts',
  'cli',
]
const mayNotBeImported = ['index.ts', 'protocol.ts', 'cli']

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)

function importsOf(file: string, isLoaded = false): string[] {
  let text = readFileSync(resolve(src, file), 'utf8')
  if (isLoaded) text = text.replaceAll(/^(import|export) type [^;]*? from '.*'$/gms, '')
  const found: string[] = []
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
    found.push(relative(src, resolve(src, dirname(file), match[1])))
  }
  return found
}

function layerOf(file: string): string {
  return file.split('/')[0]
}

test('the rules are about files that exist', () => {
  expect(files.length).toBeGreaterThan(20)
  const layers = new Set(files.map(layerOf))
  for (const layer of layers) expect([...Object.keys(mayImport), ...top], layer).toContain(layer)
})

/** Loops that stay, each with one listener of their own. Only ever shorten it. */
const handMadeListeners: ReadonlySet<string> = new Set([
  'consumer/delivery/delivery.ts',
  'consumer/delivery/partition-iterators.ts',
  'consumer/delivery/record-iterator.ts',
])

describe.each(files)('%s', (file) => {
  test('imports only what lies below it', () => {
    const layer = layerOf(file)
    for (const imported of importsOf(file)) {
      const other = layerOf(imported)
      expect(files, `${file} imports ${imported}`).toContain(imported)
      if (other === layer) continue
      expect(mayNotBeImported, `${file} imports ${imported}`).not.toContain(other)
      if (!top.includes(layer)) {
        expect(mayImport[layer], `${file} imports ${imported}`).toContain(other)
      }
    }
  })

  test('keeps to the floors of the consumer', () => {
    const [room, floor] = file.split('/')
    const below = consumerFloors[floor]
    if (room !== 'consumer' || below === undefined) return
    for (const imported of importsOf(file)) {
      const [otherRoom, other] = imported.split('/')
      if (otherRoom !== 'consumer' || other === floor || consumerFloors[other] === undefined)
        continue
      expect(below, `${file} imports ${imported}`).toContain(other)
    }
  })

  test('keeps to the floors of the producer', () => {
    const [room, floor] = file.split('/')
    const below = producerFloors[floor]
    if (room !== 'producer' || below === undefined) return
    for (const imported of importsOf(file)) {
      const [otherRoom, other] = imported.split('/')
      if (otherRoom !== 'producer' || other === floor || producerFloors[other] === undefined)
        continue
      expect(below, `${file} imports ${imported}`).toContain(other)
    }
  })

  test('waits and joins signals by way of async/, which leaves nothing behind on a signal', () => {
    if (file === 'async/wait.ts' || file.startsWith('testing/') || file.startsWith('cli/')) return
    const text = readFileSync(resolve(src, file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')
    expect(text).not.toMatch(/\bAbortSignal\.any\b/)
    if (!handMadeListeners.has(file)) expect(text).not.toMatch(/EventListener\(\s*'abort'/)
  })

  test('reads the time and starts long timers by way of async/', () => {
    if (file.startsWith('testing/') || ['async/clock.ts', 'async/timers.ts'].includes(file)) return
    const text = readFileSync(resolve(src, file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$/gm, '')
    expect(text).not.toMatch(
      /\bDate\.now\b|\bperformance\.now\b|\bAbortSignal\.timeout\b|\bnew Date\(\)|\bhrtime\b/,
    )
  })

  test('puts no list of any length on the stack, which some 120,000 items are too many for', () => {
    const spread =
      /\.(?:push|unshift)\((?:[\w.]+(?:\([^()]*\))?,\s*)*\s*\.\.\.|Math\.(?:max|min)\([^)]*\.\.\.|\bjoin\((?:\w+,\s*)*\.\.\.(?!parts:)/g
    const text = readFileSync(resolve(src, file), 'utf8')
    expect([...text.matchAll(spread)].map(String)).toEqual([])
  })

  test('starts timers of any length by async/timers.ts: those of Node fire at once above 2^31-1 ms', () => {
    if (file === 'async/timers.ts' || file.startsWith('testing/')) return
    const text = readFileSync(resolve(src, file), 'utf8')
    const delays = [...text.matchAll(/\bset(?:Timeout|Interval)\(/g)].map(({ index }) =>
      delayOf(text, index),
    )
    const isBounded = (delay: string): boolean => /^(?:[A-Z_]+|\d+|Math\.min\(.*\))$/s.test(delay)
    expect(delays.filter((delay) => !isBounded(delay))).toEqual([])
  })

  test('makes text of what was thrown by causeText, which never throws itself', () => {
    if (file === 'error-text.ts' || file.startsWith('cli/')) return
    const text = readFileSync(resolve(src, file), 'utf8')
    expect(text).not.toMatch(/\bString\((?:error|cause|thrown)\)/)
  })

  test('names constants in one style, and a number of a node nodeId', () => {
    const text = readFileSync(resolve(src, file), 'utf8')
    const names = [...text.matchAll(constant)].map(([, name]) => name)
    expect(names.filter((name) => !publicConstants.has(name))).toEqual([])
    expect(text).not.toMatch(/\bnode\??: number\b/)
  })

  test('runs as CommonJS too, and in a bundle', () => {
    if (file.startsWith('cli/')) return
    const text = readFileSync(resolve(src, file), 'utf8').replaceAll(/^\s*(\/\/|\*).*$/gm, '')
    expect(text).not.toMatch(/import\.meta|from 'node:module'|^(const .*= )?await /m)
  })

  test('is small enough to read', () => {
    const lines = readFileSync(resolve(src, file), 'utf8').split('\n').length
    expect(lines).toBeLessThanOrEqual(450)
  })

  test('opens with what it is for', () => {
    const text = readFileSync(resolve(src, file), 'utf8').replace(/^(#!|\/\/\/).*\n+/gm, '')
    expect(text.startsWith('//')).toBe(true)
  })
})

/** What is exported and is neither a type nor the package's: someone else has to use it. */
const exportedValue = /^export (?:async |abstract )*(?:function\*?|class|const|let) (\w+)/gm

/** The source files in a folder; installed packages are not walked: there may be thousands. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = resolve(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesIn(path)
    return /\.m?[jt]s$/.test(entry.name) ? [path] : []
  })
}

test('nothing is exported that no other file uses', () => {
  const exported = files.flatMap((file) => {
    const path = resolve(src, file)
    return [...readFileSync(path, 'utf8').matchAll(exportedValue)].map(([, name]) => ({
      path,
      name,
    }))
  })
  const usersOf = new Map<string, Set<string>>(exported.map(({ name }) => [name, new Set()]))
  for (const user of ['src', 'test', 'bench', 'scripts'].flatMap((room) =>
    sourcesIn(resolve(src, '../', room)),
  )) {
    for (const [name] of readFileSync(user, 'utf8').matchAll(/\w+/g)) usersOf.get(name)?.add(user)
  }
  const unused = exported
    .filter(({ path, name }) => [...(usersOf.get(name) ?? [])].every((user) => user === path))
    .map(({ path, name }) => `${path}: ${name}`)
  expect(unused).toEqual([])
})

test('no file reaches itself through what it loads', () => {
  const state = new Map<string, 'open' | 'done'>()
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return
    expect(state.get(file), [...path, file].join(' -> ')).not.toBe('open')
    state.set(file, 'open')
    for (const imported of importsOf(file, true)) visit(imported, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
})

/** Groups of files that reach each other through their imports, those of types included (Tarjan). */
function findCircles(): string[] {
  const found: string[] = []
  const indexes = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const visit = (file: string): number => {
    let low = indexes.size
    const own = low
    indexes.set(file, own)
    open.push(file)
    for (const imported of importsOf(file)) {
      if (!indexes.has(imported)) low = Math.min(low, visit(imported))
      else if (open.includes(imported)) low = Math.min(low, indexes.get(imported) ?? low)
    }
    lowest.set(file, low)
    if (low === own) {
      const group = open.splice(open.indexOf(file))
      if (group.length > 1) found.push(group.sort().join(' '))
    }
    return low
  }
  for (const file of files) if (!indexes.has(file)) visit(file)
  return found.sort()
}

test('no circle of files, their types included', () => {
  expect(findCircles()).toEqual([])
})
