// `kafkawire lag-exporter` in front of a real broker, scraped by a real Prometheus: promtool finds nothing wrong with
// the text, and what is asked of Prometheus is what kafka-consumer-groups --describe shows.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { runScript } from '../harness/kafka-scripts.ts'
import { freePorts } from '../harness/ports.ts'
import { type ClusterAddress, sharedCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { commandLine, ensureBuilt } from '../integration/build.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-lag-'))
const children: ChildProcess[] = []
let cluster: ClusterAddress
let kafka: Kafka
let exporter: string
let prometheus: string

beforeAll(async () => {
  await ensureBuilt()
  cluster = await sharedCluster('4.4.0')
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  const [port, ownPort] = await freePorts(2)
  exporter = `http://127.0.0.1:${port}`
  prometheus = `http://127.0.0.1:${ownPort}`
  const servers = ['--bootstrap-server', cluster.bootstrapServers]
  const flags = ['--port', String(port), '--host', '127.0.0.1', '--max-age', '0']
  children.push(
    spawn(process.execPath, [commandLine, 'lag-exporter', ...flags, ...servers], {
      stdio: 'ignore',
    }),
  )
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'lag', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
    }),
  )
  const config = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${ownPort}`,
  ]
  children.push(spawn('prometheus', config, { stdio: 'ignore' }))
  await waitUntil('both are ready', async () => {
    const urls = [`${exporter}/metrics`, `${prometheus}/-/ready`]
    const all = await Promise.all(urls.map((url) => fetch(url).catch(() => null)))
    return all.every((each) => each?.ok)
  })
})

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await kafka?.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

async function query(expr: string): Promise<Map<string, number>> {
  const response = await fetch(`${prometheus}/api/v1/query?${new URLSearchParams({ query: expr })}`)
  const { data } = (await response.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] }
  }
  return new Map(data.result.map(({ metric, value }) => [metric.partition ?? '', Number(value[1])]))
}

test('Prometheus has the lag that kafka-consumer-groups shows', async () => {
  const topic = uniqueName('lagging')
  const group = uniqueName('billing "1"')
  await kafka.admin().createTopics([{ topic, numPartitions: 3, replicationFactor: 1 }])
  await kafka
    .producer()
    .sendBatch(Array.from({ length: 100 }, (_, i) => ({ topic, partition: i % 3, value: `${i}` })))
  const consumer = kafka.consumer({ groupId: group, topics: [topic], autoOffsetReset: 'earliest' })
  let read = 0
  for await (const record of consumer) {
    if (++read < 70) continue
    await consumer.commit(record)
    break
  }
  await consumer.close()
  const lines = await runScript(cluster, 'kafka-consumer-groups', '--describe', '--group', group)
  const shown = lines.flatMap((line) => {
    const found = new RegExp(` ${topic} +(\\d+) +(\\d+|-) +(\\d+) +(\\d+|-) `).exec(line)
    return found === null ? [] : [{ partition: found[1], end: found[3], lag: found[4] }]
  })
  expect(shown).toHaveLength(3)
  const of = `{consumergroup="${group.replaceAll('"', '\\"')}",topic="${topic}"}`
  await waitUntil(
    'all was scraped',
    async () => (await query(`kafka_consumergroup_lag${of}`)).size > 0,
  )
  const lag = await query(`kafka_consumergroup_lag${of}`)
  const ends = await query(`kafka_consumergroup_log_end_offset${of}`)
  for (const each of shown) {
    expect(ends.get(each.partition)).toBe(Number(each.end))
    expect(lag.get(each.partition)).toBe(each.lag === '-' ? undefined : Number(each.lag))
  }
  const sums = await query(
    `sum(kafka_consumergroup_lag${of}) == on() kafka_consumergroup_lag_sum{consumergroup="${group.replaceAll('"', '\\"')}"}`,
  )
  expect([...sums.values()][0]).toBeGreaterThan(0)
})

test('promtool finds nothing wrong with the text but one name, which dashboards of kafka_exporter ask for', async () => {
  const input = await (await fetch(`${exporter}/metrics`)).text()
  const { stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input,
    encoding: 'utf8',
  })
  const said = `${stdout}${stderr}`.trim().split('\n')
  expect(said).toHaveLength(1)
  expect(said[0]).toMatch(/^kafka_consumergroup_lag_sum .*"_sum" suffix$/)
})
