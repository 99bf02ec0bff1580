// All that other clients, Java's programs of 4.4.0 and our client say to brokers passes through the proxy:
// every frame is decoded, and encoded to the same bytes. tcpdump records the same conversations on the
// loopback: what the command line makes of its capture is what passed the proxy.

import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capturedFrames } from '../../src/cli/capture/captured-frames.ts'
import { KafkaProxy, type PassedFrame } from '../../src/cli/proxy.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { runTool } from '../harness/command-tool.ts'
import { type ClusterAddress, startCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { checkPassedFrames } from '../integration/passed-frames.ts'
import { runPeer } from './run-peer.ts'

const run = promisify(execFile)
const tools = 'org.apache.kafka.tools'

/** tcpdump on the loopback, while `body` runs; the capture, of which the kernel has dropped nothing. */
async function captured(port: number, body: () => Promise<void>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-tcpdump-'))
  const file = join(folder, 'loopback.pcap')
  const filter = ['-i', 'lo', '-s', '0', '-B', '65536', '-U', '-w', file, `tcp port ${port}`]
  const tcpdump = spawn('tcpdump', filter, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  tcpdump.stderr.on('data', (text: Buffer) => {
    said += text
  })
  const ended = new Promise<void>((resolve, reject) => {
    tcpdump.once('error', reject)
    tcpdump.once('close', () => resolve())
  })
  await waitUntil('tcpdump listens', () => said.includes('listening on'), { timeoutMs: 30_000 })
  try {
    await body()
    // It writes packets a moment after they passed.
    let size = -1
    await waitUntil(
      'tcpdump has written all',
      () => {
        const before = size
        size = existsSync(file) ? readFileSync(file).length : 0
        return size === before
      },
      { timeoutMs: 30_000, intervalMs: 1500 },
    )
  } finally {
    tcpdump.kill('SIGINT')
    await ended
  }
  expect(said).toMatch(/\n0 packets dropped by kernel/)
  return file
}

/** What each client of the list says, one after the other. */
async function talk(servers: string, version: '4.4.0' | '3.9.2'): Promise<void> {
  const topic = uniqueName('peers')
  expect(await runPeer('kafkajs', servers, `${topic}-a`)).toBe(20)
  expect(await runPeer('platformatic', servers, `${topic}-b`)).toBe(40)
  const bootstrap = ['--bootstrap-server', servers]
  const java = (main: string, ...args: string[]): Promise<string[]> =>
    runTool('4.4.0', `${tools}.${main}`, [...bootstrap, ...args], { timeoutMs: 120_000 })
  await java('TopicCommand', '--create', '--topic', topic, '--partitions', '3')
  await java('VerifiableProducer', '--topic', topic, '--max-messages', '300', '--acks', '-1')
  await runTool('4.4.0', `${tools}.TransactionalMessageCopier`, [
    ...['--broker-list', servers, '--input-topic', topic, '--input-partition', '0'],
    ...['--output-topic', topic, '--max-messages', '20', '--consumer-group', topic],
    ...['--transaction-size', '10', '--transactional-id', topic, '--enable-random-aborts'],
  ])
  const reading = ['--topic', topic, '--from-beginning', '--max-messages', '300']
  const property = '--command-property'
  for (const protocol of version === '4.4.0' ? ['classic', 'consumer'] : ['classic']) {
    const group = [property, `group.protocol=${protocol}`, '--group', `${topic}-${protocol}`]
    await java('consumer.ConsoleConsumer', ...reading, ...group)
  }
  await java('consumer.group.ConsumerGroupCommand', '--describe', '--all-groups')
  await java('LogDirsCommand', '--describe')
  await java('GetOffsetShell', '--topic', topic)
  await java('TopicCommand', '--describe')
  if (version === '4.4.0') {
    const share = `${topic}-share`
    const earliest = ['--add-config', 'share.auto.offset.reset=earliest']
    await runTool('4.4.0', 'org.apache.kafka.tools.ConfigCommand', [
      ...[...bootstrap, '--alter', '--entity-type', 'groups', '--entity-name', share, ...earliest],
    ])
    await java(
      'consumer.ConsoleShareConsumer',
      ...['--topic', topic, '--group', share, '--max-messages', '50', '--timeout-ms', '60000'],
    )
  }
  await ours(servers, topic, version)
}

async function ours(servers: string, topic: string, version: string): Promise<void> {
  const kafka = new Kafka({ bootstrapServers: servers, logger: silentLogger })
  const producer = kafka.producer({ transactionalId: `${topic}-ours`, compressionType: 'lz4' })
  await producer.transaction(async (transaction) => {
    await transaction.send({ topic, value: 'ours' })
  })
  for (const groupProtocol of version === '4.4.0'
    ? (['classic', 'consumer'] as const)
    : ['classic' as const]) {
    const consumer = kafka.consumer({
      groupId: `${topic}-ours-${groupProtocol}`,
      groupProtocol,
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    let read = 0
    for await (const record of consumer) {
      read++
      if (read < 100) continue
      await consumer.commit(record)
      break
    }
    await consumer.close()
  }
  const admin = kafka.admin()
  await admin.describeTopics([topic])
  await admin.listGroups()
  await kafka.close()
}

describe.each(['4.4.0', '3.9.2'] as const)('clients of all kinds and Kafka %s', (version) => {
  let cluster: ClusterAddress & { stop(): Promise<void> }
  let passed: PassedFrame[] = []
  let capture = ''
  let port = 0

  beforeAll(async () => {
    cluster = await startCluster({ version, nodes: 1 })
    const [host, portText] = cluster.bootstrapServers.split(':')
    port = Number(portText)
    capture = await captured(port, async () => {
      const onFrame = (frame: PassedFrame): void => void passed.push(frame)
      const listen = { host: '127.0.0.1', port: 0 }
      const proxy = new KafkaProxy({ listen, to: { host, port }, onFrame })
      const address = await proxy.start()
      try {
        await talk(`${address.host}:${address.port}`, version)
      } finally {
        await proxy.close()
      }
    })
  })

  afterAll(async () => {
    await cluster?.stop()
    passed = []
    if (capture !== '') rmSync(join(capture, '..'), { recursive: true })
  })

  test('every frame is decoded, and encoded to the same bytes', () => {
    const { kinds, forgotten } = checkPassedFrames(passed)
    const ids = new Set(
      passed.map(({ frame }) =>
        frame.type === 'request' ? (frame.header.clientId?.split('-')[0] ?? '') : '',
      ),
    )
    expect(ids).toContain('kafkajs')
    expect(ids).toContain('platformatic')
    console.log(`${version}: ${passed.length} frames of ${kinds.size} kinds passed the proxy`)
    console.log(`${version}: ${forgotten} tagged fields were forgotten and written back`)
    console.log([...kinds.keys()].sort().join(', '))
    expect(kinds.size).toBeGreaterThan(60)
    expect(forgotten).toBeGreaterThan(100)
  })

  test('the capture of tcpdump has every frame that passed the proxy', () => {
    const seen = new Map<string, number>()
    let frames = 0
    for (const { frame } of capturedFrames(readFileSync(capture), [port])) {
      if (frame.type === 'gap') throw new Error(`${frame.bytes} bytes are missing`)
      if (frame.type === 'unreadable') throw new Error(frame.error.message)
      const bytes = frame.raw.toString('latin1')
      seen.set(bytes, (seen.get(bytes) ?? 0) + 1)
      frames++
    }
    for (const { frame } of passed) {
      const bytes = frame.raw.toString('latin1')
      const left = seen.get(bytes) ?? 0
      const name = frame.type === 'request' || frame.type === 'response' ? frame.api.name : ''
      expect(left, `${name} ${frame.type}`).toBeGreaterThan(0)
      seen.set(bytes, left - 1)
    }
    console.log(`${version}: ${frames} frames are in the capture`)
  })

  test('kafkawire decode prints the capture whole', async () => {
    const cli = join(import.meta.dirname, '../../dist/cli/main.js')
    const decode = ['decode', '--file', capture, '--port', String(port)]
    const limit = ['--max-decoded-bytes', String(2 ** 30)]
    const { stdout } = await run(process.execPath, [cli, ...decode, '--print', 'lines', ...limit], {
      maxBuffer: 2 ** 30,
    })
    const types: Record<string, number> = {}
    for (const line of stdout.trim().split('\n')) {
      const { type } = JSON.parse(line) as { type: string }
      types[type] = (types[type] ?? 0) + 1
    }
    console.log(version, types)
    expect(Object.keys(types).sort()).toEqual(['request', 'response'])
    expect(types.request + types.response).toBeGreaterThanOrEqual(passed.length)
  })
})
