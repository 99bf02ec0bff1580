// Every snippet of the README and the guides, and every example, runs against the in-process broker. Needs
// no JDK.

import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { preludes } from '../docs/preludes.ts'
import { pages, type Snippet, snippetsOf } from '../docs/snippets.ts'
import { ensureBuilt, root } from './build.ts'
import { type Doors, openDoors } from './doors.ts'

let folder: string
let cluster: TestCluster
let doors: Doors

beforeAll(async () => {
  await ensureBuilt()
  folder = await mkdtemp(join(tmpdir(), 'kafkawire-docs-'))
  await mkdir(join(folder, 'node_modules', '.bin'), { recursive: true })
  await symlink(root, join(folder, 'node_modules', 'kafkawire'), 'junction')
  // What a reader would install beside it.
  const text = await readFile(join(root, 'package.json'), 'utf8')
  for (const name of Object.keys(JSON.parse(text).devDependencies)) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link, 'junction')
  }
  await symlink(
    join(root, 'dist/cli/main.js'),
    join(folder, 'node_modules', '.bin', 'kafkawire'),
    'file',
  )
  for (const file of ['ca.pem', 'client.pem', 'client.key']) {
    await cp(join(root, 'test/network/certificates', file), join(folder, file))
  }
})

afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

/** Each page has brokers to itself: a snippet may delete what another one reads. */
function useCluster(nodes: number): void {
  beforeAll(async () => {
    const topics = { orders: 6 }
    cluster = await TestCluster.start({ nodes, autoCreateTopics: true, topics })
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    const values = Array.from({ length: 20 }, (_, i) => `order ${i}`)
    const records = values.map((value) => ({ topic: 'orders', partition: 0, value }))
    await kafka.producer().sendBatch(records)
    await kafka.close()
    const port = Number(cluster.bootstrapServers.split(',')[0].split(':')[1])
    doors = await openDoors(port, join(folder, `kafka-${port}.sock`))
  })
  afterAll(async () => {
    doors?.close()
    await cluster?.close()
  })
}

interface Ended {
  code: number | null
  output: string
  stderr: string
}

/** Runs a command until it ends; it gets SIGINT once it has printed `until`. */
function run(command: string, args: readonly string[], until: RegExp | null): Promise<Ended> {
  const env = {
    ...process.env,
    BOOTSTRAP_SERVERS: cluster.bootstrapServers,
    KAFKA_PASSWORD: 'secret',
    SSH_PRIVATE_KEY: doors.sshPrivateKey,
    PATH: `${join(folder, 'node_modules/.bin')}:${process.env.PATH}`,
  }
  const child = spawn(command, args, { cwd: folder, env })
  return new Promise((resolve, reject) => {
    const ended: Ended = { code: null, output: '', stderr: '' }
    const limit = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`did not end:\n${ended.output}${ended.stderr}`))
    }, 60_000)
    let isStopped = false
    child.stdout.on('data', (data) => {
      ended.output += data
      if (isStopped || until === null || !until.test(ended.output)) return
      isStopped = true
      child.kill('SIGINT')
    })
    child.stderr.on('data', (data) => {
      ended.stderr += data
    })
    child.on('close', (code) => {
      clearTimeout(limit)
      resolve({ ...ended, code })
    })
  })
}

/** The program of a snippet, with the address of the test's own broker. */
function program({ text, prelude }: Snippet): string {
  const around = prelude === null ? 'SNIPPET' : preludes[prelude]
  if (around === undefined) throw new Error(`no prelude named ${prelude}`)
  const isImport = (line: string): boolean => line.startsWith('import ')
  const lines = text.split('\n')
  const body = lines.filter((line) => prelude === null || !isImport(line))
  const imports = prelude === null ? [] : lines.filter(isImport)
  const whole = [...imports, around].join('\n').replace('SNIPPET', () => body.join('\n'))
  return doors.replacements
    .reduce((program, [shown, real]) => program.replaceAll(shown, real), whole)
    .replaceAll('localhost:9092', cluster.bootstrapServers)
}

async function runSnippet(snippet: Snippet): Promise<Ended> {
  const { name, until } = snippet
  if (name.endsWith('.sh')) {
    return run('bash', ['-euc', program(snippet).replaceAll('npx kafkawire', 'kafkawire')], until)
  }
  const file = join(folder, name)
  await writeFile(name.endsWith('.ts') ? file.replace('.ts', '.mts') : file, program(snippet))
  if (!name.endsWith('.ts')) return run(process.execPath, ['--trace-warnings', file], until)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const flags = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node']
  const source = name.replace('.ts', '.mts')
  const compiled = await run(process.execPath, [compiler, ...flags, source], null)
  if (compiled.code !== 0) return compiled
  return run(process.execPath, [file.replace('.ts', '.mjs')], until)
}

describe.each(pages)('%s', (page) => {
  useCluster(3)
  const snippets = snippetsOf(page)
  const names = snippets.map(({ name }) => name)

  test('names its snippets', () => {
    expect(new Set(names).size).toBe(names.length)
  })

  if (snippets.length === 0) return
  test.each(snippets)('$name', async (snippet) => {
    const { code, output, stderr } = await runSnippet(snippet)
    expect(stderr).toBe('')
    if (snippet.prints !== null) expect(output).toMatch(snippet.prints)
    if (snippet.until !== null) expect(output).toMatch(snippet.until)
    expect(code, output).toBe(0)
  })
})

const examples = (await readdir(join(root, 'examples'))).filter((file) => file.endsWith('.mjs'))

describe('examples', () => {
  // One node: an example may put a proxy in front of it.
  useCluster(1)

  test('there are some', () => {
    expect(examples.length).toBeGreaterThan(0)
  })

  test.each(examples)('%s', async (file) => {
    await cp(join(root, 'examples', file), join(folder, file))
    const { code, output, stderr } = await run(process.execPath, [file], /^(reading|running)/m)
    expect(stderr).toBe('')
    expect(output, 'says what it did').not.toBe('')
    expect(code).toBe(0)
  })
})
