// KIP-714 with a real broker whose metrics reporter takes what clients push, and reads it with Kafka's own
// classes; Java's producer pushes beside ours.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { runTool } from '../harness/command-tool.ts'
import { describeReal, type RealCluster, startCluster } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'

interface Value {
  clientId: string
  terminating: boolean
  resource: string
  name: string
  kind: string
  attributes: string
  value: number
}

describeReal('client metrics', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-telemetry-'))
  const file = join(folder, 'pushed.tsv')
  let real: RealCluster

  /** Everything that was pushed, a line for each value. */
  function pushed(): Value[] {
    let text = ''
    try {
      text = readFileSync(file, 'utf8')
    } catch {
      // Nothing was pushed yet.
    }
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [clientId, , terminating, resource, name, kind, attributes, value] = line.split('\t')
        const isLast = terminating === 'true'
        return {
          clientId,
          terminating: isLast,
          resource,
          name,
          kind,
          attributes,
          value: Number(value),
        }
      })
  }

  beforeAll(async () => {
    real = await startCluster({
      version: '4.4.0',
      plugins: ['TelemetryReporter.java'],
      properties: { 'metric.reporters': 'TelemetryReporter' },
      jvmArgs: [`-Dkafkawire.telemetry=${file}`],
    })
    const kafka = new Kafka({ bootstrapServers: real.bootstrapServers, logger: silentLogger })
    const admin = kafka.admin()
    await admin.createTopics([{ topic: 'measured', numPartitions: 2, replicationFactor: 1 }])
    await admin.incrementalAlterConfigs([
      {
        type: 'CLIENT_METRICS',
        name: 'all',
        configs: [
          { name: 'metrics', value: '*' },
          { name: 'interval.ms', value: 300 },
        ],
      },
    ])
    await kafka.close()
  })
  afterAll(async () => {
    await real.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test("arrive under Java's names, and add up", async () => {
    const kafka = new Kafka({
      bootstrapServers: real.bootstrapServers,
      clientId: 'ours',
      logger: silentLogger,
    })
    const producer = kafka.producer()
    const consumer = kafka.consumer({
      groupId: 'g',
      topics: ['measured'],
      autoOffsetReset: 'earliest',
      clientRack: 'r1',
    })
    const ids = await Promise.all([producer.clientInstanceId(), consumer.clientInstanceId()])
    expect(new Set(ids).size).toBe(2)
    const reading = (async () => {
      let count = 0
      for await (const _ of consumer) if (++count === 500) break
    })()
    for (let sent = 0; sent < 500; sent += 50) {
      await producer.sendBatch(
        Array.from({ length: 50 }, (_, i) => ({ topic: 'measured', key: `${i}`, value: 'v' })),
      )
    }
    await reading
    const ofGroup = (): Value[] =>
      pushed().filter(({ resource }) => resource.includes('group_id=g,'))
    await waitUntil('the consumer has pushed', () => ofGroup().length > 0)
    await kafka.close()
    await waitUntil('the last pushes are there', () => {
      const last = pushed().filter(({ terminating }) => terminating)
      return new Set(last.map(({ resource }) => resource)).size >= 2
    })
    const ours = pushed().filter(({ clientId }) => clientId === 'ours')
    const total = (name: string): number =>
      ours
        .filter((each) => each.name === `org.apache.kafka.${name}` && each.attributes === '')
        .reduce((sum, { value }) => sum + value, 0)
    expect(total('producer.record.send.total')).toBe(500)
    expect(total('consumer.fetch.manager.records.consumed.total')).toBe(500)
    expect(ofGroup()[0].resource).toContain('client_rack=r1,')
    const sums = ours.filter(({ kind }) => kind.startsWith('sum'))
    expect(new Set(sums.map(({ kind }) => kind))).toEqual(
      new Set(['sum AGGREGATION_TEMPORALITY_DELTA']),
    )
    // KIP-714 asks every client for these.
    for (const name of [
      'producer.connection.creation.rate',
      'producer.connection.creation.total',
      'producer.node.request.latency.avg',
      'producer.node.request.latency.max',
      'producer.produce.throttle.time.avg',
      'producer.produce.throttle.time.max',
      'producer.record.queue.time.avg',
      'producer.record.queue.time.max',
      'consumer.connection.creation.rate',
      'consumer.connection.creation.total',
      'consumer.node.request.latency.avg',
      'consumer.node.request.latency.max',
      'consumer.coordinator.assigned.partitions',
      'consumer.coordinator.rebalance.latency.avg',
      'consumer.coordinator.rebalance.latency.max',
      'consumer.coordinator.rebalance.latency.total',
      'consumer.fetch.manager.fetch.latency.avg',
      'consumer.fetch.manager.fetch.latency.max',
    ]) {
      expect(ours.map((each) => each.name)).toContain(`org.apache.kafka.${name}`)
    }
  })

  test("names that Java's producer has too are spelled as it does", async () => {
    await runTool(real.version, 'org.apache.kafka.tools.ProducerPerformance', [
      ...['--topic', 'measured', '--num-records', '3000', '--record-size', '10'],
      ...['--throughput', '1000'],
      ...['--producer-props', `bootstrap.servers=${real.internalServers}`, 'client.id=java'],
    ])
    const namesOf = (client: string): Set<string> =>
      new Set(
        pushed()
          .filter(({ clientId, name }) => clientId === client && name.includes('.producer.'))
          .map(({ name, kind }) => `${name} ${kind}`),
      )
    await waitUntil("Java's producer has pushed", () => namesOf('java').size > 0)
    const [java, ours] = [namesOf('java'), namesOf('ours')]
    const common = [...ours].filter((name) => java.has(name))
    expect(common).toContain(
      'org.apache.kafka.producer.record.send.total sum AGGREGATION_TEMPORALITY_DELTA',
    )
    expect(common).toContain('org.apache.kafka.producer.record.send.rate gauge')
    expect(common.length).toBeGreaterThan(40)
  })
})
