// `kafkawire lag-exporter` and `kafkawire dlq` on a real broker: what is scraped is what kafka-consumer-groups shows,
// and dead letters that are sent back by a process that is interrupted, and by the next one, are there once.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { readByConsole } from '../harness/java-programs.ts'
import { runScript } from '../harness/kafka-scripts.ts'
import { type ClusterAddress, describeReal, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { commandLine, ensureBuilt } from './build.ts'

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Reads the text format of Prometheus; throws for a line that is not of it. */
function parseExposition(text: string): Sample[] {
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    const type = /^# TYPE ([a-z_]+) (gauge|counter)$/.exec(line)
    if (type !== null) types.set(type[1], type[2])
    if (line.startsWith('# ')) continue
    const sample =
      /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[\d.e+-]+)$/.exec(line)
    if (sample === null) throw new Error(`not a sample: ${line}`)
    const [, name, labels = '', value] = sample
    if (!types.has(name)) throw new Error(`no type of ${name}`)
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)]
    samples.push({
      name,
      labels: Object.fromEntries(pairs.map(([, label, text]) => [label, text])),
      value: Number(value),
    })
  }
  return samples
}

describeReal("the command line beside Kafka's own, of 4.4.0", () => {
  let cluster: ClusterAddress
  let kafka: Kafka
  const children: ChildProcess[] = []

  beforeAll(async () => {
    await ensureBuilt()
    cluster = await sharedCluster('4.4.0')
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await kafka?.close()
  })

  function start(...words: string[]) {
    const env = { ...process.env, KAFKAWIRE_BOOTSTRAP_SERVER: cluster.bootstrapServers }
    const child = spawn(process.execPath, [commandLine, ...words], { env })
    children.push(child)
    let text = ''
    const add = (chunk: Buffer): void => {
      text += String(chunk)
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    const ended = once(child, 'close').then(([code]) => code as number | null)
    return { child, ended, text: () => text }
  }

  async function createTopic(topic: string, numPartitions: number): Promise<void> {
    await kafka.admin().createTopics([{ topic, numPartitions, replicationFactor: 1 }])
  }

  async function fill(topic: string, count: number): Promise<void> {
    const producer = kafka.producer()
    await producer.sendBatch(
      Array.from({ length: count }, (_, i) => ({ topic, key: `k${i}`, value: `v${i}` })),
    )
    await producer.close()
  }

  test('lag-exporter has the figures of kafka-consumer-groups --describe', async () => {
    const topic = uniqueName('lagging')
    await createTopic(topic, 3)
    await fill(topic, 300)
    // One group has ended, one has a member of each protocol; none of them has read everything.
    const groups = {
      ended: uniqueName('ended'),
      classic: uniqueName('classic"'),
      next: uniqueName('next'),
    }
    const members = []
    for (const [kind, groupId] of Object.entries(groups)) {
      const consumer = kafka.consumer({
        groupId,
        topics: [topic],
        autoOffsetReset: 'earliest',
        enableAutoCommit: false,
        ...(kind === 'next' && { groupProtocol: 'consumer' as const }),
      })
      let read = 0
      for await (const record of consumer) {
        if (record.offset % 7n === 3n) await consumer.commit(record)
        if (++read === 200) break
      }
      if (kind === 'ended') await consumer.close()
      else members.push(consumer)
    }
    const exporter = start(
      'lag-exporter',
      '--port',
      '0',
      '--host',
      '127.0.0.1',
      '--json',
      '--max-age',
      '0',
    )
    const { port } = await waitUntil('it serves', () =>
      exporter.text().includes('\n') ? (JSON.parse(exporter.text()) as { port: number }) : null,
    )
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const samples = parseExposition(await response.text())
    for (const groupId of Object.values(groups)) {
      const label = groupId.replaceAll('"', '\\"')
      const of = (name: string): Sample[] =>
        samples.filter(
          (each) =>
            each.name === `kafka_consumergroup_${name}` && each.labels.consumergroup === label,
        )
      const lines = await runScript(
        cluster,
        'kafka-consumer-groups',
        '--describe',
        '--group',
        groupId,
      )
      const rows = lines
        .map((line) => line.trim().split(/\s+/))
        .filter(([group, of]) => group === groupId && of === topic)
      expect(rows).toHaveLength(3)
      let sum = 0
      for (const [, , partition, current, end, lag] of rows) {
        const scraped = ['current_offset', 'log_end_offset', 'lag'].map(
          (name) =>
            of(name).find(({ labels }) => labels.topic === topic && labels.partition === partition)
              ?.value,
        )
        const shown = [current, end, lag].map((text) => (text === '-' ? undefined : Number(text)))
        expect(scraped, `${groupId} ${partition}`).toEqual(shown)
        sum += shown[2] ?? 0
      }
      expect(sum).toBeGreaterThan(0)
      expect(of('lag_sum')[0].value).toBe(sum)
      expect(of('members').map(({ labels, value }) => [labels.state, value])).toEqual([
        groupId === groups.ended ? ['Empty', 0] : ['Stable', 1],
      ])
    }
    for (const member of members) await member.close()
    exporter.child.kill('SIGTERM')
    expect(await exporter.ended).toBe(0)
  })

  test('dlq redrive: interrupted, killed and run again, each dead letter is sent back once', async () => {
    const [topic, dead] = [uniqueName('orders'), uniqueName('orders-dead')]
    await createTopic(topic, 2)
    await createTopic(dead, 3)
    const count = 10_000
    await fill(topic, count)
    const consumer = kafka.consumer({
      groupId: uniqueName('g'),
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    let handled = 0
    const end = new AbortController()
    await consumer.run({
      concurrency: 50,
      concurrencyBy: 'key',
      deadLetterTopic: dead,
      signal: end.signal,
      eachRecord: () => {
        if (++handled === count) end.abort()
        throw new RangeError('broken')
      },
    })
    await consumer.close()
    const listed = start('dlq', 'list', '--topic', dead, '--json')
    expect(await listed.ended).toBe(0)
    expect(JSON.parse(listed.text())).toMatchObject({ topic, exception: 'RangeError', count })

    const endOf = async (): Promise<bigint> => {
      const places = [0, 1].map((partition) => ({ topic, partition, offset: 'latest' as const }))
      const ends = await kafka.admin().listOffsets(places)
      return ends.reduce((sum, { offset }) => sum + offset, 0n)
    }
    // One record a transaction: there is time to end it in the middle.
    const slow = [
      '--max-messages',
      String(count),
      '--command-property',
      'session.timeout.ms=6000',
      '--command-property',
      'heartbeat.interval.ms=2000',
    ]
    for (const signal of ['SIGINT', 'SIGKILL', 'SIGINT'] as const) {
      const before = await endOf()
      const running = start('dlq', 'redrive', '--topic', dead, ...slow)
      const enough = async (): Promise<boolean> =>
        running.child.exitCode !== null || (await endOf()) > before + 50n
      await waitUntil('some are sent', enough, { timeoutMs: 60_000 })
      running.child.kill(signal)
      // On a fast machine it may have sent all of them.
      const codes = signal === 'SIGINT' ? [0] : [null, 0]
      expect(codes, running.text()).toContain(await running.ended)
    }
    const producer = kafka.producer()
    // One whose origin cannot be a topic: it must not hold up the others.
    await producer.send({
      topic: dead,
      key: 'lost',
      value: 'lost',
      headers: { '__kafkawire.errors.topic': 'not a topic' },
    })
    await producer.close()
    const last = start('dlq', 'redrive', '--topic', dead, '--json')
    // The one that cannot be sent back is told by the exit code.
    expect(await last.ended, last.text()).toBe(1)
    expect(last.text()).toContain('1 dead letters were not sent back')
    const again = start('dlq', 'redrive', '--topic', dead, '--json')
    expect(await again.ended, again.text()).toBe(0)
    expect(JSON.parse(again.text())).toEqual({ sent: 0, skipped: 0, left: 0 })
    const read = await readByConsole(cluster, topic, {
      isolation: 'read_committed',
      isAll: (records) => records.length >= 2 * count,
    })
    const times = new Map<string, number>()
    for (const { value } of read) times.set(value, (times.get(value) ?? 0) + 1)
    expect(times.size).toBe(count)
    expect([...times].filter(([, seen]) => seen !== 2)).toEqual([])
  })
})
