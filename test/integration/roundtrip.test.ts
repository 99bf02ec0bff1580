// `kafkawire roundtrip` as it is built and run, against real brokers: every codec, every source of records,
// what it prints, and how it fails.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JavaTools } from '../harness/java-tools.ts'
import { freePorts } from '../harness/ports.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'
import { type EndedProcess, runNode } from '../harness/run-node.ts'
import { commandLine, ensureBuilt } from './build.ts'

const count = 20_000

/** All is well, and in a pipe there is no progress line. */
function expectWell({ code, stdout, stderr }: EndedProcess, records: string): void {
  // On a busy machine the process may be told that it stood still.
  expect(stderr.replace(/^.*The event loop was blocked for \d+ ms\n/gm, '')).toBe('')
  expect(stdout).toContain(
    `All ${records} records came back: none missing, none doubled, none changed, each partition in order.`,
  )
  expect(stdout).toMatch(new RegExp(`^produced +${records} `, 'm'))
  expect(stdout).toMatch(new RegExp(`^consumed +${records} `, 'm'))
  for (const control of ['\r', '\u001b']) expect(stdout).not.toContain(control)
  expect(code).toBe(0)
}

for (const [version, nodes] of [
  ['4.4.0', 1],
  ['4.4.0', 3],
  ['3.9.2', 1],
] as const) {
  describeReal(`roundtrip through ${nodes} x ${version}`, () => {
    let folder: string
    let bootstrapServers: string
    let java: JavaTools

    beforeAll(async () => {
      await ensureBuilt()
      folder = await mkdtemp(join(tmpdir(), 'kafkawire-roundtrip-'))
      const cluster = await sharedCluster(version, nodes)
      bootstrapServers = cluster.bootstrapServers
      java = await javaTools(cluster)
    })
    afterAll(async () => {
      java?.close()
      if (folder !== undefined) await rm(folder, { recursive: true, force: true })
    })

    function roundtrip(args: string[], input?: Uint8Array): Promise<EndedProcess> {
      const servers = ['--bootstrap-server', bootstrapServers]
      return runNode([commandLine, 'roundtrip', ...servers, ...args], { input })
    }

    test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('with %s', async (codec) => {
      const ended = await roundtrip(['--count', String(count), '--compression', codec])
      expectWell(ended, '20,000')
      expect(ended.stdout).toContain(`on ${bootstrapServers}, compression ${codec}`)
    })

    test('of the lines of a file and of standard input, as they are', async () => {
      const lines = ['first', '', 'wert-値', `long ${'x'.repeat(100_000)}`, 'last']
      const bytes = Buffer.concat([Buffer.from([255, 0, 10]), Buffer.from(lines.join('\n'))])
      const file = join(folder, 'lines.txt')
      await writeFile(file, bytes)
      const topic = await java.createTopic(uniqueName('lines'), { partitions: 2 })
      expectWell(await roundtrip(['--input', file, '--topic', topic]), '6')
      expectWell(await roundtrip(['--input', '-'], bytes), '6')
      expectWell(await roundtrip(['--input', file, '--count', '2']), '2')
      const values = (await java.consume(topic)).map(({ value }) => String(value))
      expect(values.toSorted()).toEqual([Buffer.from([255, 0]).toString(), ...lines].toSorted())
    })

    test('passes over what a topic has already, and leaves the topic there', async () => {
      const topic = uniqueName('twice')
      expectWell(await roundtrip(['--count', '3000', '--topic', topic]), '3,000')
      expectWell(await roundtrip(['--count', '2000', '--topic', topic]), '2,000')
      const ends = [...(await java.offsets(topic)).values()]
      expect(ends).toHaveLength(6)
      expect(ends.reduce((a, b) => a + b)).toBe(5000n)
    })
  })
}

describeReal('roundtrip at its edges', () => {
  beforeAll(ensureBuilt)

  test('ends in peace when nobody reads what it prints', async () => {
    const { bootstrapServers } = await sharedCluster('4.4.0')
    const args = ['roundtrip', '--bootstrap-server', bootstrapServers, '--count', '1000']
    const pipeline = '"$0" "$@" | true; echo "ended"'
    const { stdout, stderr } = await promisify(execFile)('sh', [
      '-c',
      pipeline,
      process.execPath,
      commandLine,
      ...args,
    ])
    expect([stdout, stderr]).toEqual(['ended\n', ''])
  })

  test('names each address and its cause, and fails within 10 s', async () => {
    const [one, two] = await freePorts(2)
    const servers = `127.0.0.1:${one},127.0.0.1:${two},no-such-host.invalid:9092`
    const { code, stdout, stderr, tookMs } = await runNode([
      commandLine,
      'roundtrip',
      '--bootstrap-server',
      servers,
    ])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(`127.0.0.1:${one}: connect ECONNREFUSED`)
    expect(stderr).toContain(`127.0.0.1:${two}: connect ECONNREFUSED`)
    expect(stderr).toMatch(/no-such-host\.invalid:9092: getaddrinfo E\w+/)
    expect(stderr).not.toContain('    at ')
    expect(tookMs).toBeLessThan(10_000)
  })

  test('names the file that is not there', async () => {
    const { bootstrapServers } = await sharedCluster('4.4.0')
    const { code, stderr } = await runNode([
      commandLine,
      'roundtrip',
      '--bootstrap-server',
      bootstrapServers,
      '--input',
      '/no/such/file',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('/no/such/file')
  })
})
