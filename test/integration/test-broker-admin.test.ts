// Java's Admin client on the in-process broker: every method that a broker serves. What works is written into
// docs/guide/testing-your-code.md: `vitest -u` after a change.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { startTool } from '../harness/command-tool.ts'
import { classPath } from '../harness/distribution.ts'
import { compileJava } from '../harness/java.ts'
import { expectGuideTable } from './guide-table.ts'

const VERSION = '4.4.0'
const GUIDE = 'docs/guide/testing-your-code.md'
const BEGIN = '<!-- admin: written by test/integration/test-broker-admin.test.ts -->'
const END = '<!-- end of admin -->'

/** What the in-process broker does not serve: methods that end with a refusal, never with a wait. */
const refused: Readonly<Record<string, RegExp>> = {
  abortTransaction: /UnsupportedVersionException/,
  addRaftVoter: /UnsupportedVersionException/,
  alterReplicaLogDirs: /UnsupportedVersionException/,
  createDelegationToken: /UnsupportedVersionException/,
  describeDelegationToken: /UnsupportedVersionException/,
  describeStreamsGroups: /UnsupportedVersionException/,
  expireDelegationToken: /UnsupportedVersionException/,
  removeRaftVoter: /UnsupportedVersionException/,
  renewDelegationToken: /UnsupportedVersionException/,
  unregisterBroker: /UnsupportedVersionException/,
  unregisterController: /UnsupportedVersionException/,
}

/** What is about streams groups and telemetry, which the broker does not have, and what asks no broker. */
const notCalled = [
  'alterStreamsGroupOffsets',
  'clientInstanceId',
  'close',
  'deleteStreamsGroupOffsets',
  'deleteStreamsGroups',
  'listStreamsGroupOffsets',
  'registerMetricForSubscription',
  'unregisterMetricFromSubscription',
]

describe.sequential('Java’s Admin on the in-process broker', () => {
  let cluster: TestCluster
  const outcomes = new Map<string, string>()
  const left: string[] = []

  beforeAll(async () => {
    cluster = await TestCluster.start({
      nodes: 3,
      authorizer: { superUsers: ['User:ANONYMOUS'] },
    })
    const classes = await compileJava(['AdminTour.java'], await classPath(VERSION))
    const tool = await startTool(VERSION, 'AdminTour', [cluster.bootstrapServers], [classes])
    try {
      await tool.ended(240_000)
      for (const line of tool.lines) {
        const [method, outcome] = line.split('\t')
        if (outcome === 'not called') left.push(method)
        else outcomes.set(method, outcome)
      }
    } finally {
      await tool.kill()
    }
  }, 300_000)
  afterAll(async () => {
    await cluster?.close()
  })

  test('what the broker serves works, and what it does not serve is refused', () => {
    const failed = [...outcomes].filter(([method, outcome]) => {
      const reason = Object.hasOwn(refused, method) ? refused[method] : /^ok$/
      return !reason.test(outcome)
    })
    expect(failed).toEqual([])
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining(Object.keys(refused)))
    expect(left).toEqual(notCalled)
  })

  test('nothing was refused by ending a connection', () => {
    expect(cluster.protocolErrors).toEqual([])
  })

  test('the guide lists them', async () => {
    const named = (isRefused: boolean): string =>
      [...outcomes.keys()]
        .filter((method) => Object.hasOwn(refused, method) === isRefused)
        .map((method) => `\`${method}\``)
        .join(', ')
    await expectGuideTable(GUIDE, BEGIN, END, [
      "| Java's `Admin` 4.4 | methods |",
      '| --- | --- |',
      `| works | ${named(false)} |`,
      `| refused with \`UnsupportedVersionException\` | ${named(true)} |`,
    ])
  })
})
