// What a stranger gets: the packed tarball, installed in an empty folder, and the README's own snippets,
// pasted. Needs the npm registry, no JDK.

import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

let folder: string
let cluster: TestCluster

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafkawire-package-'))
  cluster = await TestCluster.start({ autoCreateTopics: true, topics: { orders: 6 } })
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root })
  const [{ filename }] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[')))
  await writeFile(join(folder, 'package.json'), '{ "name": "stranger", "private": true }')
  const packages = [
    `./${filename}`,
    'typescript@7.0.2',
    'typescript59@npm:typescript@5.9',
    '@types/node@20',
  ]
  const { stderr } = await run('npm', ['install', '--no-audit', '--no-fund', ...packages], {
    cwd: folder,
  })
  expect(stderr).not.toMatch(/ERR!/)
})

afterAll(async () => {
  await cluster?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A snippet of the README or another page, with the address of the test's own broker. */
async function snippet(name: string, page = 'README.md'): Promise<string> {
  const text = await readFile(join(root, page), 'utf8')
  const match = new RegExp(`<!-- snippet: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\n\`\`\``).exec(text)
  expect(match, `${page} has no snippet ${name}`).not.toBeNull()
  expect(match![1]).toContain('localhost:9092')
  return match![1].replaceAll('localhost:9092', cluster.bootstrapServers)
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a file until it ends by itself; `until`: sends SIGINT once the output holds that. */
async function runFile(file: string, text: string, until?: RegExp): Promise<Ended> {
  await writeFile(join(folder, file), text)
  return runNode([file], until)
}

function runNode(args: string[], until?: RegExp): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--trace-warnings', ...args], { cwd: folder })
    const ended: Ended = { code: null, stdout: '', stderr: '' }
    const limit = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${args[0]} did not end by itself:\n${ended.stdout}${ended.stderr}`))
    }, 30_000)
    let isAsked = false
    child.stdout.on('data', (data) => {
      ended.stdout += data
      if (until === undefined || isAsked || !until.test(ended.stdout)) return
      isAsked = true
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

describe('the README, pasted', () => {
  test('produces, and the process ends by itself', async () => {
    const { code, stdout, stderr } = await runFile('produce.mjs', await snippet('produce.mjs'))
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^acknowledged: partition \d, offset 0\n$/)
    expect(code).toBe(0)
  })

  test('consumes what was produced, until it is told to end', async () => {
    const { code, stdout, stderr } = await runFile(
      'consume.mjs',
      await snippet('consume.mjs'),
      /v5/,
    )
    expect(stderr).toBe('')
    for (const value of ['v1', 'v2', 'v3', 'v4', 'v5']) expect(stdout).toContain(value)
    expect(code).toBe(0)
  })

  test('calls a handler for each record, until it is told to end', async () => {
    const { code, stdout, stderr } = await runFile('run.mjs', await snippet('run.mjs'), /mail.*v5/)
    expect(stderr).toBe('')
    for (const value of ['v1', 'v2', 'v3', 'v4', 'v5']) expect(stdout).toContain(value)
    expect(code).toBe(0)
  })

  test('copies in transactions, until it is told to end', async () => {
    const program = await snippet('transaction.mjs')
    const { code, stdout, stderr } = await runFile('transaction.mjs', program, /copied \d/)
    expect(stderr).toBe('')
    expect(stdout).toMatch(/copied \d/)
    expect(code).toBe(0)
  })

  test('runs by require, inside an async function', async () => {
    const body = (await snippet('produce.mjs')).replace(
      "import { Kafka } from 'kafkawire'",
      "const { Kafka } = require('kafkawire')",
    )
    const [require, ...rest] = body.split('\n')
    const program = `${require}\nasync function main() {\n${rest.join('\n')}\n}\nmain()\n`
    const { code, stderr } = await runFile('produce.cjs', program)
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  test.each(['typescript', 'typescript59'])(
    'compiles in a strict file with %s and runs',
    async (compiler) => {
      await writeFile(join(folder, 'typed.mts'), await snippet('typed.ts'))
      const flags = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node']
      await run(
        process.execPath,
        [
          join(folder, 'node_modules', compiler, 'bin', 'tsc'),
          ...flags,
          '--skipLibCheck',
          'false',
          'typed.mts',
        ],
        { cwd: folder },
      ).catch((error: { stdout: string }) => {
        throw new Error(error.stdout)
      })
      const { code, stdout, stderr } = await runNode(['typed.mjs'])
      expect(stderr).toBe('')
      expect(stdout).toContain('k1 9.50\n')
      expect(code).toBe(0)
    },
  )
})

describe('the program of docs/guide/transactions.md', () => {
  const file = 'exactly-once.mjs'
  const orders = 3000

  /** How many orders are done, as the group's offsets say. */
  function done(): number {
    return [0, 1, 2, 3, 4, 5]
      .map((partition) => Number(cluster.committedOffset('invoicer', 'orders', partition) ?? 0n))
      .reduce((sum, offset) => sum + offset, 0)
  }

  /** Starts it, and ends it by a signal when `isDone`. */
  async function live(signal: NodeJS.Signals, isDone: () => boolean): Promise<Ended> {
    const child = spawn(process.execPath, ['--trace-warnings', file], { cwd: folder })
    const ended: Ended = { code: null, stdout: '', stderr: '' }
    child.stdout.on('data', (data) => {
      ended.stdout += data
    })
    child.stderr.on('data', (data) => {
      ended.stderr += data
    })
    const closed = new Promise<void>((resolve) => child.on('close', () => resolve()))
    try {
      await cluster.waitFor(() => isDone() || child.exitCode !== null, { timeoutMs: 60_000 })
      child.kill(signal)
      await closed
    } finally {
      child.kill('SIGKILL')
    }
    return { ...ended, code: child.exitCode }
  }

  test('is killed and started again, and each order has one invoice', async () => {
    await writeFile(join(folder, file), await snippet(file, 'docs/guide/transactions.md'))
    cluster.createTopic('invoices', { partitions: 3 })
    const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    try {
      const before = done()
      const producer = kafka.producer()
      const feed = async (from: number, to: number): Promise<void> => {
        for (let i = from; i < to; i++) {
          await producer.send({ topic: 'orders', key: `${i}`, value: `order ${i}` })
        }
      }
      // Each life is killed while orders come in: so before, in, or after a commit.
      for (let third = 0; third < 3; third++) {
        const start = done()
        const feeding = feed(third * 1000, third * 1000 + 1000)
        await live('SIGKILL', () => done() > start + 300)
        await feeding
      }
      const { code, stderr } = await live('SIGINT', () => done() >= before + orders)
      expect(stderr).toBe('')
      expect(code).toBe(0)

      const reader = kafka.consumer({ isolationLevel: 'read_committed' })
      reader.assign([0, 1, 2].map((partition) => ({ topic: 'invoices', partition, offset: 0n })))
      const invoices: string[] = []
      const ends = await reader.endOffsets()
      const left = new Set(ends.filter(({ offset }) => offset > 0n).map((end) => end.partition))
      for await (const batch of reader.batches()) {
        for (const { value } of batch) invoices.push(String(value))
        for (const { partition, offset } of ends) {
          if ((await reader.position({ topic: 'invoices', partition })) >= offset)
            left.delete(partition)
        }
        if (left.size === 0) break
      }
      const expected = Array.from({ length: orders }, (_, i) => `invoice for order ${i}`)
      expect(invoices.filter((text) => text.includes('order')).sort()).toEqual(expected.sort())
    } finally {
      await kafka.close()
    }
  }, 200_000)
})

describe('what is in the package', () => {
  test('links of its documents lead to files that are in it', async () => {
    const home = join(folder, 'node_modules', 'kafkawire')
    const inside = (await readdir(home, { recursive: true })).map((file) =>
      file.replaceAll('\\', '/'),
    )
    const pages = inside.filter(
      (file) => /^[\w-]+\.md$|^(docs|examples)\//.test(file) && file.endsWith('.md'),
    )
    expect(pages).toContain('README.md')
    expect(pages).toContain('docs/guide/producing.md')
    for (const page of pages) {
      const text = (await readFile(join(home, page), 'utf8')).replaceAll(/```[\s\S]*?```/g, '')
      for (const [, target] of text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(target)) continue
        const file = posix.normalize(posix.join(posix.dirname(page), target))
        expect(inside, `${page} links to ${target}`).toContain(file.replace(/\/$/, ''))
      }
    }
  })

  test('a stack trace names the source, which is there to be read', async () => {
    await writeFile(
      join(folder, 'trace.mjs'),
      "import { Kafka } from 'kafkawire'\ntry { new Kafka({ nope: 1 }) } catch (error) { console.log(error.stack) }",
    )
    const { stdout } = await runNode(['--enable-source-maps', 'trace.mjs'])
    const files = [...stdout.matchAll(/(\/[^():]*kafkawire\/src\/[^():]+\.ts):\d+/g)].map(
      ([, file]) => file,
    )
    expect(files.length, stdout).toBeGreaterThan(1)
    for (const file of files) await expect(readFile(file, 'utf8')).resolves.toContain('//')
  })

  test('nothing is installed with it but optional packages', async () => {
    const manifest = JSON.parse(
      await readFile(join(folder, 'node_modules/kafkawire/package.json'), 'utf8'),
    ) as Record<string, object>
    expect(Object.keys(manifest.dependencies ?? {})).toEqual([])
  })
})

describe('the command line of the package', () => {
  test('makes the round trip', async () => {
    const main = join('node_modules', 'kafkawire', 'dist', 'cli', 'main.js')
    const { code, stdout, stderr } = await runNode([main, 'roundtrip', '--count', '5000'])
    expect(stderr).toBe('')
    expect(stdout).toContain('All 5,000 records came back')
    expect(code).toBe(0)
  })
})
