// A million lines through `produce` and back out of `consume`, and through Kafka's own programs in the same
// run: equal byte for byte. What each took is printed, and judged by no test.

import { spawn } from 'node:child_process'
import {
  createReadStream,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { classPath } from '../harness/distribution.ts'
import { scriptClass } from '../harness/kafka-scripts.ts'
import { type ClusterAddress, describeReal, sharedCluster, uniqueName } from '../harness/real.ts'
import { commandLine, ensureBuilt } from './build.ts'

const COUNT = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'kafkawire-lines-'))
const input = join(folder, 'input.txt')

/** Runs a program with a file as its input and a file as its output, and gives the seconds that it took. */
function timed(program: string, args: string[], from: string | null, to: string): Promise<number> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [from === null ? 'ignore' : 'pipe', 'pipe', 'ignore'],
    })
    if (from !== null && child.stdin !== null) createReadStream(from).pipe(child.stdin)
    const output = createWriteStream(to)
    child.stdout?.pipe(output)
    child.on('error', reject)
    output.on('close', () => resolve((performance.now() - startedAt) / 1000))
  })
}

describeReal('a million lines', () => {
  let cluster: ClusterAddress
  let kafka: Kafka

  beforeAll(async () => {
    await ensureBuilt()
    cluster = await sharedCluster('4.4.0')
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    const lines = Array.from({ length: COUNT }, (_, i) => {
      return `{"id":${i},"user":"u${i % 1000}","note":"${'ä'.repeat(i % 30)}"}`
    })
    // An empty line, bytes that are not UTF-8, and the carriage return of another system.
    const odd = [Buffer.from('\n'), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from('dos\r\n')]
    writeFileSync(input, Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), ...odd]))
  })
  afterAll(async () => {
    await kafka?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test('come back equal; how long it takes beside Kafka’s scripts is printed', async () => {
    const all = COUNT + 3
    const servers = ['--bootstrap-server', cluster.bootstrapServers]
    const read = ['--from-beginning', '--max-messages', String(all)]
    const jars = await classPath(cluster.version)
    const java = (script: string) => [
      '-Xmx512m',
      '-cp',
      jars,
      scriptClass(cluster, script),
      ...servers,
    ]
    const runs: Record<string, { produce: number; consume: number }> = {}
    for (const who of ['kafkawire', 'kafka'] as const) {
      const topic = uniqueName(who)
      const wanted = [{ topic, numPartitions: 1, replicationFactor: 1 }]
      await kafka.admin().createTopics(wanted, { waitUntilReady: true })
      const output = join(folder, who)
      const [producer, consumer] =
        who === 'kafka'
          ? [
              ['java', ...java('kafka-console-producer')],
              ['java', ...java('kafka-console-consumer')],
            ]
          : ['produce', 'consume'].map((name) => [process.execPath, commandLine, name, ...servers])
      const produce = await timed(
        producer[0],
        // On a busy machine Kafka's script loses lines with its own limit of 1.5 s.
        [...producer.slice(1), '--topic', topic, '--request-timeout-ms', '60000'],
        input,
        `${output}.sent`,
      )
      const consume = await timed(
        consumer[0],
        [...consumer.slice(1), '--topic', topic, ...read],
        null,
        output,
      )
      runs[who] = { produce, consume }
    }
    for (const [who, { produce, consume }] of Object.entries(runs)) {
      console.log(`${who}: produce ${produce.toFixed(1)} s, consume ${consume.toFixed(1)} s`)
    }
    expect(readFileSync(join(folder, 'kafkawire')).equals(readFileSync(input))).toBe(true)
    // Kafka's script leaves lines out when a busy machine keeps it beyond its limits: that is its own affair.
    if (!readFileSync(join(folder, 'kafka')).equals(readFileSync(input))) {
      console.log('kafka: what came back is not what went in')
    }
  }, 300_000)
})
