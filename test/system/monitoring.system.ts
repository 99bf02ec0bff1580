// docs/monitoring in a real Prometheus: it scrapes clients at work, every query of the dashboard has series, the
// alert rules are loaded and one of them fires. MONITORING_PICTURE=file writes the dashboard as a picture.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collectKafkaMetrics } from '../../src/adapters/prometheus.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { freePorts } from '../harness/ports.ts'
import { waitUntil } from '../harness/wait-until.ts'

const docs = join(import.meta.dirname, '../../docs/monitoring')
const rulesFile = join(docs, 'alerts.yml')
const dashboard = JSON.parse(readFileSync(join(docs, 'dashboard.json'), 'utf8')) as {
  panels: {
    title: string
    gridPos: { x: number; y: number; w: number; h: number }
    fieldConfig: { defaults: { unit?: string } }
    targets: { expr: string; legendFormat: string }[]
  }[]
}

interface Series {
  metric: Record<string, string>
  value: [number, string]
  values: [number, string][]
}

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-prometheus-'))
const startedAt = Date.now() / 1000
let cluster: TestCluster
let kafka: Kafka
let server: Server
let prometheus: ChildProcess
let url: string
let isWorking = true
let work: Promise<unknown>

/** Of Grafana's variables the ones that the dashboard uses. */
const ready = (expr: string): string => expr.replaceAll('$__rate_interval', '10s')

async function ask<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query)}`)
  const { data } = (await response.json()) as { data: T }
  return data
}

/** A producer whose rate goes up and down, some of whose records fail, and a consumer that is sometimes slow. */
async function keepWorking(): Promise<void> {
  const producer = kafka.producer({ compressionType: 'gzip', retryBackoffMs: 20 })
  const consumer = kafka.consumer({
    groupId: 'billing',
    topics: ['orders'],
    autoOffsetReset: 'earliest',
    autoCommitIntervalMs: 500,
  })
  cluster.intercept(produce, async (call) => {
    const response = await call.next()
    if (Math.random() < 0.02) response.throttleTimeMs = 20
    const chance = Math.random()
    // Some are retried, and some fail.
    const errorCode =
      chance < 0.01 ? errorCodes.NOT_ENOUGH_REPLICAS_AFTER_APPEND : errorCodes.INVALID_RECORD
    if (chance < 0.013) {
      for (const { partitionResponses } of response.responses) {
        for (const partition of partitionResponses) partition.errorCode = errorCode
      }
    }
    return response
  })
  const consuming = consumer.run({
    eachRecord: async () => {
      if (Math.random() < 0.0005) await new Promise((resolve) => setTimeout(resolve, 1000))
    },
  })
  for (let round = 0; isWorking; round++) {
    const count = Math.round(60 + 40 * Math.sin(round / 25))
    const value = JSON.stringify({ round, text: 'x'.repeat(200) })
    await producer
      .sendBatch(Array.from({ length: count }, (_, i) => ({ topic: 'orders', key: `${i}`, value })))
      .catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await consumer.close()
  await consuming
}

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 3, topics: { orders: 3 }, record: false })
  kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    clientId: 'shop',
    logger: silentLogger,
  })
  const register = new Registry()
  collectKafkaMetrics(kafka, { register })
  server = createServer(async (_, response) => {
    response.setHeader('content-type', register.contentType)
    response.end(await register.metrics())
  })
  const [port, ownPort] = await freePorts(2)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  writeFileSync(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rulesFile],
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
    }),
  )
  url = `http://127.0.0.1:${ownPort}`
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${ownPort}`,
    ],
    { stdio: 'ignore' },
  )
  work = keepWorking()
  await waitUntil('Prometheus is ready', async () => {
    return (await fetch(`${url}/-/ready`).catch(() => null))?.ok
  })
})

afterAll(async () => {
  isWorking = false
  await work
  prometheus.kill('SIGKILL')
  server.closeAllConnections()
  server.close()
  await kafka.close()
  await cluster.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

test('promtool accepts the rules', () => {
  const output = execFileSync('promtool', ['check', 'rules', rulesFile], { encoding: 'utf8' })
  expect(output).toMatch(/SUCCESS: \d+ rules found/)
})

test('the scrape has no errors, and the rules are evaluated', async () => {
  await waitUntil('the target is scraped', async () => {
    const { activeTargets } = await ask<{ activeTargets: { health: string }[] }>('targets')
    return activeTargets[0]?.health === 'up'
  })
  const { groups } = await ask<{ groups: { rules: { name: string; health: string }[] }[] }>('rules')
  const rules = groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThanOrEqual(5)
  await waitUntil('every rule was evaluated', async () => {
    const now = await ask<{ groups: { rules: { health: string }[] }[] }>('rules')
    return now.groups.every((group) => group.rules.every(({ health }) => health === 'ok'))
  })
})

const targets = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [title, expr] as const),
)

test.each(targets)('%s has series', async (_, expr) => {
  await waitUntil(
    `${expr} has a value`,
    async () => {
      const { result } = await ask<{ result: Series[] }>('query', { query: ready(expr) })
      return result.some(({ value }) => Number.isFinite(Number(value[1])))
    },
    { timeoutMs: 60_000 },
  )
})

test('every expression of the rules is about metrics that exist', async () => {
  const names = await ask<string[]>('label/__name__/values')
  const text = readFileSync(rulesFile, 'utf8')
  for (const [name] of text.matchAll(/\bkafka_(?:producer|consumer)_\w+/g)) {
    expect(names).toContain(name)
  }
})

const picture = process.env.MONITORING_PICTURE

test.runIf(picture !== undefined)('the dashboard as a picture', async () => {
  const wait = Number(process.env.MONITORING_SECONDS ?? 60)
  await new Promise((resolve) => setTimeout(resolve, wait * 1000))
  const require = createRequire(join(import.meta.dirname, '../../.cache/system-tests/package.json'))
  // An ES module, found where run.sh has put it.
  const vega = (await import(require.resolve('vega'))) as {
    parse: (spec: object) => object
    View: new (runtime: object, options: object) => { toSVG(): Promise<string> }
  }
  const vegaLite = (await import(require.resolve('vega-lite'))) as {
    compile: (spec: object) => { spec: object }
  }
  const rows = new Map<number, object[]>()
  for (const { title, gridPos, fieldConfig, targets } of dashboard.panels) {
    const [{ expr, legendFormat }] = targets
    const { result } = await ask<{ result: Series[] }>('query_range', {
      query: ready(expr),
      start: String(startedAt),
      end: String(Date.now() / 1000),
      step: '1',
    })
    const values = result.flatMap(({ metric, values }) =>
      values.map(([at, value]) => ({
        time: at * 1000,
        value: Number(value),
        series: legendFormat.replaceAll(
          /\{\{(\w+)\}\}/g,
          (_, label: string) => metric[label] ?? '',
        ),
      })),
    )
    const { unit = '' } = fieldConfig.defaults
    const row = rows.get(gridPos.y) ?? []
    rows.set(gridPos.y, row)
    row.push({
      title,
      width: 300,
      height: 120,
      data: { values: values.filter(({ value }) => Number.isFinite(value)) },
      mark: { type: 'line', strokeWidth: 1.5, interpolate: 'monotone' },
      encoding: {
        x: { field: 'time', type: 'temporal', title: null, axis: { format: '%M:%S' } },
        y: {
          field: 'value',
          type: 'quantitative',
          title: null,
          axis: { format: unit === 'percentunit' ? '.0%' : '~s', tickCount: 4 },
        },
        color: { field: 'series', type: 'nominal', title: null, legend: { orient: 'bottom' } },
      },
    })
  }
  const spec = {
    background: '#ffffff',
    config: { font: 'sans-serif', view: { stroke: '#dddddd' }, title: { fontSize: 12 } },
    vconcat: [...rows.values()].map((row) => ({
      hconcat: row,
      resolve: { scale: { color: 'independent' } },
    })),
    resolve: { scale: { color: 'independent' } },
  }
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' })
  writeFileSync(picture as string, await view.toSVG())
})
