// The names of metrics beside those that Java's producer and consumer have on a real broker, with both protocols of
// groups: what dashboards for Java ask for is there, and what is missing is missing on purpose.

import { expect, test } from 'vitest'
import { allMetrics } from '../../src/adapters/all-metrics.ts'
import { startTool } from '../harness/command-tool.ts'
import { classPath } from '../harness/distribution.ts'
import { compileJava } from '../harness/java.ts'
import { describeReal, javaTools, sharedCluster, uniqueName } from '../harness/real.ts'

/** Where ours are in a group of their own, as a metric has one set of tags here. */
const javaGroups: Readonly<Record<string, string>> = {
  'consumer-topic-metrics': 'consumer-fetch-manager-metrics',
  'consumer-partition-metrics': 'consumer-fetch-manager-metrics',
}

/** What Java has and this client has not, with the reason. */
const leftOut: readonly { why: string; names: RegExp }[] = [
  { why: 'there is no selector thread', names: /^(io-|select-)|network-thread-poll/ },
  { why: 'there is no queue between threads', names: /event-queue|events-expired|unsent-requests/ },
  { why: 'no thread waits: bufferpool-wait-ratio tells of records', names: /^waiting-threads$/ },
  {
    why: 'sums of the time of calls: the channel kafkawire:transaction and others tell of each',
    names: /-time-ns-total$/,
  },
  { why: 'it would be counted per record', names: /^record-size-max$/ },
  {
    why: 'there is no poll(): poll-idle-ratio-avg tells the same',
    names: /^(time-between-poll-|last-poll-)/,
  },
  {
    why: 'averages of a figure that is read when it is asked for',
    names: /^records-(lag|lead)-avg$/,
  },
  { why: 'counted with authentication', names: /reauth/ },
]

/** What this client has besides. */
const own = [
  'connection-failure-total',
  'throttle-time-avg',
  'throttle-time-max',
  'producer-metrics byte-rate',
  'producer-metrics byte-total',
  'consumer-metrics metadata-age',
  'consumer-metrics request-latency-avg',
  'consumer-metrics request-latency-max',
  'consumer-metrics requests-in-flight',
  'consumer-fetch-manager-metrics buffered-bytes',
  'consumer-coordinator-metrics heartbeat-response-time-avg',
]

describeReal("metrics have the names of Java's", () => {
  test('of producers and consumers of 4.4.0', async () => {
    const cluster = await sharedCluster('4.4.0')
    const java = await javaTools(cluster)
    const topic = await java.createTopic(uniqueName('names'), { partitions: 2 })
    const classes = await compileJava(['MetricNames.java'], await classPath('4.4.0'))
    const theirs = new Set<string>()
    for (const protocol of ['classic', 'consumer']) {
      const args = [cluster.internalServers, topic, uniqueName('g'), protocol]
      const tool = await startTool('4.4.0', 'MetricNames', args, [classes])
      try {
        await tool.ended(120_000)
      } finally {
        await tool.kill()
      }
      for (const line of tool.lines) {
        const [, group, name] = line.split('\t')
        if (/^(app-info|kafka-metrics-count)$/.test(group)) continue
        theirs.add(`${group} ${name}`)
      }
    }
    await java.close()
    expect(theirs.size).toBeGreaterThan(150)
    const ours = new Set(
      allMetrics()
        .filter(({ group }) => /^(producer|consumer)-/.test(group))
        .map(({ group, name }) => `${javaGroups[group] ?? group} ${name}`),
    )
    const missing = [...theirs].filter((name) => !ours.has(name))
    const isMeant = (name: string): boolean =>
      leftOut.some(({ names }) => names.test(name.split(' ')[1]))
    expect(missing.filter((name) => !isMeant(name))).toEqual([])
    for (const { why, names } of leftOut) {
      expect(
        missing.some((name) => names.test(name.split(' ')[1])),
        why,
      ).toBe(true)
    }
    const isOwn = (name: string): boolean => own.some((each) => name.endsWith(each))
    expect([...ours].filter((name) => !theirs.has(name) && !isOwn(name))).toEqual([])
    for (const each of own) {
      const of = [...ours].filter((name) => name.endsWith(each))
      expect(
        of.some((name) => !theirs.has(name)),
        each,
      ).toBe(true)
    }
  })
})
