// The lag exporter: what Prometheus is given, and that scrapers at once cost one question.

import { expect, test, vi } from 'vitest'
import { metricsText } from '../../src/cli/commands/lag-exporter.ts'
import type { GroupLag } from '../../src/index.ts'
import { listGroups } from '../../src/protocol/messages/list-groups.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { kafkawire } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

test('the text format, with labels that are escaped', () => {
  const group = { groupId: 'a"b\n', state: 'Stable', members: [{}] }
  const partitions = [
    { topic: 't', partition: 0, lag: 5n, committedOffset: 3n, endOffset: 8n },
    { topic: 't', partition: 1, lag: null, committedOffset: null, endOffset: 2n },
  ]
  // Of a description, only what is shown.
  const text = metricsText([{ group, partitions, totalLag: 5n } as unknown as GroupLag], 1500, 2)
  expect(text).toContain(
    'kafka_consumergroup_lag{consumergroup="a\\"b\\n",topic="t",partition="0"} 5\n',
  )
  expect(text).not.toContain(
    'kafka_consumergroup_lag{consumergroup="a\\"b\\n",topic="t",partition="1"}',
  )
  expect(text).toContain('kafka_consumergroup_lag_sum{consumergroup="a\\"b\\n"} 5\n')
  expect(text).toContain('kafka_consumergroup_members{consumergroup="a\\"b\\n",state="Stable"} 1\n')
  expect(text).toContain('kafkawire_lag_scrape_duration_seconds 1.5\n')
  expect(text).toContain('kafkawire_lag_scrape_failures 2\n')
  for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# |\w+(\{.*\})? [\d.]+$)/)
})

test('serves until it is interrupted; scrapes at once ask the brokers once', async () => {
  const cluster = await TestCluster.start({ nodes: 1, topics: { orders: 1 } })
  const servers = ['--bootstrap-server', cluster.bootstrapServers]
  const flags = ['--group', 'g', '--topic', 'orders', '--to-latest', '--execute']
  await kafkawire('groups', '--reset-offsets', ...flags, ...servers)
  const written: string[] = []
  const write = process.stdout.write
  process.stdout.write = ((chunk: string) => written.push(chunk) > 0) as typeof write
  const { runProgram } = await import('../../src/cli/program.ts')
  const ended = runProgram([
    'lag-exporter',
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--json',
    ...servers,
  ])
  try {
    await cluster.waitFor(() => written.length > 0)
    const { port } = JSON.parse(written[0]) as { port: number }
    cluster.clearRequests()
    const url = `http://127.0.0.1:${port}/metrics`
    const texts = await Promise.all([1, 2, 3].map(async () => (await fetch(url)).text()))
    for (const text of texts) {
      expect(text).toContain(
        'kafka_consumergroup_lag{consumergroup="g",topic="orders",partition="0"} 0',
      )
    }
    expect(cluster.requests(listGroups)).toHaveLength(1)
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404)
  } finally {
    process.emit('SIGTERM')
    process.stdout.write = write
  }
  expect(await ended).toBe(0)
  await cluster.close()
})
