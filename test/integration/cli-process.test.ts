// The command line as a process: signals, pipes that close, and a reader that is slow.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { TestCluster } from '../../src/testing.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { commandLine, ensureBuilt } from './build.ts'

let cluster: TestCluster
let kafka: Kafka

beforeAll(async () => {
  await ensureBuilt()
  cluster = await TestCluster.start({ nodes: 1, topics: { orders: 1, large: 1 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
})
afterAll(async () => {
  await kafka.close()
  await cluster.close()
})

interface Running {
  child: ChildProcess
  stdout: () => string
  stderr: () => string
  ended: Promise<number | null>
}

function start(...words: string[]): Running {
  const env = { ...process.env, KAFKAWIRE_BOOTSTRAP_SERVER: cluster.bootstrapServers }
  const child = spawn(process.execPath, [commandLine, ...words], { env })
  const text = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    text.stdout += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    text.stderr += String(chunk)
  })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, ended, stdout: () => text.stdout, stderr: () => text.stderr }
}

async function members(groupId: string): Promise<number> {
  const [group] = await kafka.admin().describeGroups([groupId])
  return group.members.length
}

test('Ctrl-C in consume: what was printed is committed, the group is left, exit code 0', async () => {
  const producer = kafka.producer()
  await producer.sendBatch(['a', 'b', 'c'].map((value) => ({ topic: 'orders', value })))
  await producer.close()
  const running = start('consume', '--topic', 'orders', '--group', 'g', '--from-beginning')
  await waitUntil('all is printed', () => running.stdout() === 'a\nb\nc\n')
  expect(await members('g')).toBe(1)
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
  expect(await members('g')).toBe(0)
  expect(cluster.committedOffset('g', 'orders', 0)).toBe(3n)
  expect(running.stderr()).toBe('Processed a total of 3 messages\n')
})

test('Ctrl-C in produce: what was read is written', async () => {
  const before = cluster.partition('orders', 0).logEndOffset
  const running = start('produce', '--topic', 'orders', '--linger', '60000')
  running.child.stdin?.write('one\ntwo\n')
  // The lines are taken when the process has had its turn; they linger until they are flushed.
  await new Promise((resolve) => setTimeout(resolve, 1500))
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(0)
  expect(cluster.partition('orders', 0).logEndOffset).toBe(before + 2n)
})

test('the end of the input ends produce, with a last line that has no line feed', async () => {
  const before = cluster.partition('orders', 0).logEndOffset
  const running = start('produce', '--topic', 'orders')
  running.child.stdin?.end('x\ny')
  expect(await running.ended, running.stderr()).toBe(0)
  expect(cluster.partition('orders', 0).logEndOffset).toBe(before + 2n)
})

test('a line that is wrong ends produce: what came before is written, and counted', async () => {
  const before = cluster.partition('orders', 0).logEndOffset
  const running = start('produce', '--topic', 'orders', '--property', 'parse.key=true')
  running.child.stdin?.end('k\tv\nbad\nk\tv\n')
  expect(await running.ended).toBe(1)
  expect(running.stderr()).toMatch(/^Records written before that: 1\nError: Line 2 has no key/)
  expect(cluster.partition('orders', 0).logEndOffset).toBe(before + 1n)
})

test('users waits for a password that comes late, and Ctrl-C ends that', async () => {
  const running = start('users', '--set', '--user', 'late')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  running.child.stdin?.end('secret\n')
  expect(await running.ended, running.stderr()).toBe(0)
  expect(running.stdout()).toBe('Set the SCRAM-SHA-256 password of user late.\n')
  const waiting = start('users', '--set', '--user', 'never')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  waiting.child.kill('SIGINT')
  expect(await waiting.ended).toBe(130)
})

test('a reader that closes the pipe ends consume quietly', async () => {
  const running = start('consume', '--topic', 'orders', '--from-beginning')
  await waitUntil('something is printed', () => running.stdout() !== '')
  running.child.stdout?.destroy()
  const producer = kafka.producer()
  await producer.sendBatch([1, 2, 3].map((i) => ({ topic: 'orders', value: `more ${i}` })))
  await producer.send({ topic: 'orders', value: 'and more' })
  await producer.close()
  expect(await running.ended).toBe(0)
  expect(running.stderr()).toBe('')
})

test('a reader that stops does not make consume take memory', async () => {
  const producer = kafka.producer()
  const value = Buffer.alloc(100_000, 120)
  for (let i = 0; i < 40; i++) {
    await producer.sendBatch(Array.from({ length: 50 }, () => ({ topic: 'large', value })))
  }
  await producer.close()
  const env = { ...process.env, KAFKAWIRE_BOOTSTRAP_SERVER: cluster.bootstrapServers }
  const words = ['consume', '--topic', 'large', '--from-beginning', '--exit']
  // 200 MB of records in a heap of 64 MB; the pipe is not read for two seconds.
  const child = spawn(process.execPath, ['--max-old-space-size=64', commandLine, ...words], { env })
  await new Promise((resolve) => setTimeout(resolve, 2000))
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  const [code] = (await once(child, 'close')) as [number]
  expect([code, bytes]).toEqual([0, 40 * 50 * 100_001])
})

test('an unfinished admin command that is interrupted has exit code 130', async () => {
  cluster.pauseNode(1)
  const running = start('topics', '--list')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  running.child.kill('SIGINT')
  expect(await running.ended).toBe(130)
  cluster.resumeNode(1)
})

test('a directory as input is refused', async () => {
  const directory = openSync('.', 'r')
  const child = spawn(process.execPath, [commandLine, 'produce', '--topic', 'orders'], {
    env: { ...process.env, KAFKAWIRE_BOOTSTRAP_SERVER: cluster.bootstrapServers },
    stdio: [directory, 'ignore', 'pipe'],
  })
  closeSync(directory)
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk)
  })
  expect(await once(child, 'close')).toEqual([2, null])
  expect(stderr).toBe('Error: Standard input cannot be read: it is a directory.\n')
})

test('a pipe that is closed ends help and completion quietly', async () => {
  for (const words of [
    ['completion', 'bash'],
    ['topics', '--help'],
  ]) {
    const running = start(...words)
    running.child.stdout?.destroy()
    expect(await running.ended).toBe(0)
    expect(running.stderr()).toBe('')
  }
})

test.runIf(existsSync('/dev/full'))('a full disk ends a command with one sentence', async () => {
  const env = { ...process.env, KAFKAWIRE_BOOTSTRAP_SERVER: cluster.bootstrapServers }
  for (const words of [
    ['topics', '--help'],
    ['topics', '--list'],
    ['topics', '--describe', '--json'],
    ['consume', '--topic', 'orders', '--from-beginning', '--exit'],
    ['consume', '--topic', 'orders', '--from-beginning', '--exit', '--group', 'full'],
  ]) {
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [commandLine, ...words], {
      env,
      stdio: ['ignore', full, 'pipe'],
    })
    closeSync(full)
    let stderr = ''
    child.stderr?.on('data', (chunk) => {
      stderr += String(chunk)
    })
    const [code] = await once(child, 'close')
    expect(stderr, words.join(' ')).toMatch(/^\S.*Standard output cannot be written: ENOSPC.*$/m)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(1)
  }
  // What is not written is not committed.
  expect(cluster.committedOffset('full', 'orders', 0) ?? 0n).toBe(0n)
})
