// Commands that ask about several groups, brokers or topics, of which one fails: the others are printed, the
// failure is told, and the exit code is not 0.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listGroups } from '../../src/protocol/messages/list-groups.ts'
import { listOffsets } from '../../src/protocol/messages/list-offsets.ts'
import { offsetFetch } from '../../src/protocol/messages/offset-fetch.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { kafkawire } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const GROUP_FORBIDDEN = 30
let cluster: TestCluster
let servers: string[]

beforeEach(async () => {
  cluster = await TestCluster.start({ nodes: 3, topics: { orders: 2 } })
  servers = ['--bootstrap-server', cluster.bootstrapServers]
  for (const group of ['a', 'b']) {
    const flags = ['--group', group, '--topic', 'orders', '--to-latest', '--execute']
    await kafkawire('groups', '--reset-offsets', ...flags, ...servers)
  }
  cluster.moveCoordinator('a', 1)
  cluster.moveCoordinator('b', 2)
})
afterEach(async () => {
  await cluster.close()
})

/** The offsets of group `b` may not be read. */
function forbidGroupB(): void {
  cluster.intercept(offsetFetch, async ({ next }) => {
    const response = await next()
    for (const group of response.groups) {
      if (group.groupId === 'b') group.errorCode = GROUP_FORBIDDEN
    }
    return response
  })
}

/** Broker 2 does not list its groups. */
function forbidBroker2(): void {
  cluster.intercept(listGroups, async ({ nodeId, next }) =>
    nodeId === 2 ? { throttleTimeMs: 0, errorCode: GROUP_FORBIDDEN, groups: [] } : await next(),
  )
}

test('groups --describe --all-groups prints the other groups', async () => {
  forbidGroupB()
  const ran = await kafkawire('groups', '--describe', '--all-groups', ...servers)
  expect(ran.stdout).toMatch(/^Group a \(classic, Empty\), total lag 0/)
  expect(ran.stdout).toMatch(/^orders +1 /m)
  expect(ran.stderr).toBe(
    'Error: group "b": this principal has no right to do that to the group (GROUP_AUTHORIZATION_FAILED). Grant it the operation on the group with an ACL.\n',
  )
  expect(ran.code).toBe(1)
})

test('groups --list and --describe --all-groups print the groups of the other brokers', async () => {
  forbidBroker2()
  const listed = await kafkawire('groups', '--list', ...servers)
  expect(listed).toMatchObject({ stdout: 'a\n', code: 1 })
  expect(listed.stderr).toMatch(/^Error: the groups of broker 2: .*GROUP_AUTHORIZATION_FAILED/)
  const described = await kafkawire('groups', '--describe', '--all-groups', '--json', ...servers)
  expect(described.objects()).toMatchObject([{ groupId: 'a' }, { groupId: 'a' }])
  expect(described.code).toBe(1)
})

test('what failed in each of two steps is told', async () => {
  forbidBroker2()
  cluster.moveCoordinator('b', 3)
  forbidGroupB()
  const ran = await kafkawire('groups', '--describe', '--all-groups', ...servers)
  expect(ran.stdout).toMatch(/^Group a /)
  expect(ran.stderr).toMatch(/^Error: the groups of broker 2: .*\nError: group "b": .*\n$/)
  expect(ran.code).toBe(1)
})

test('offsets prints the other partitions', async () => {
  cluster.intercept(listOffsets, async ({ next }) => {
    const response = await next()
    for (const { partitions } of response.topics) {
      for (const entry of partitions) if (entry.partitionIndex === 1) entry.errorCode = 29
    }
    return response
  })
  const ran = await kafkawire('offsets', '--topic', 'orders', ...servers)
  expect(ran).toMatchObject({ stdout: 'orders:0:0\n', code: 1 })
  expect(ran.stderr).toMatch(
    /^Error: latest offset of "orders" partition 1: .*TOPIC_AUTHORIZATION_FAILED/,
  )
})

test('the lag exporter serves the other groups, and how many are missing', async () => {
  forbidGroupB()
  const written: string[] = []
  const told: string[] = []
  const { write } = process.stdout
  const writeError = process.stderr.write
  process.stdout.write = ((chunk: string) => written.push(chunk) > 0) as typeof write
  process.stderr.write = ((chunk: string) => told.push(chunk) > 0) as typeof write
  const { runProgram } = await import('../../src/cli/program.ts')
  const flags = ['--port', '0', '--host', '127.0.0.1', '--json']
  const ended = runProgram(['lag-exporter', ...flags, ...servers])
  try {
    await cluster.waitFor(() => written.length > 0)
    const { port } = JSON.parse(written[0]) as { port: number }
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text).toContain('kafka_consumergroup_lag_sum{consumergroup="a"} 0\n')
    expect(text).not.toContain('consumergroup="b"')
    expect(text).toContain('kafkawire_lag_scrape_failures 1\n')
    expect(told.join('')).toMatch(/^Error: group "b": .*GROUP_AUTHORIZATION_FAILED/)
  } finally {
    process.emit('SIGTERM')
    process.stdout.write = write
    process.stderr.write = writeError
  }
  expect(await ended).toBe(0)
})
