// The programs that come with Kafka and read a topic: the console consumer and the performance test, of
// the brokers' own version. Nobody who runs Kafka would doubt what these two find in a topic.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterAddress } from './cluster.ts'
import { runTool, startTool } from './command-tool.ts'
import type { KafkaVersion } from './distribution.ts'
import { GiveUpError } from './wait-until.ts'

export type Isolation = 'read_committed' | 'read_uncommitted'

/** A record as the console consumer printed it. */
export interface PrintedRecord {
  partition: number
  offset: bigint
  value: string
}

interface ConsoleOptions {
  isolation: Isolation
  /** Whether all that is awaited is among the records so far; else it reads on. */
  isAll: (records: readonly PrintedRecord[]) => boolean
  /** Without values: for those that are no text. Default: true. */
  hasValues?: boolean
  /** Default: 100 s, a JVM's start on a busy machine included. */
  timeoutMs?: number
}

/** kafka-console-consumer.sh --from-beginning: what it printed, in its order. Values are lines of text. */
export async function readByConsole(
  cluster: ClusterAddress,
  topic: string,
  { isolation, isAll, hasValues = true, timeoutMs = 100_000 }: ConsoleOptions,
): Promise<PrintedRecord[]> {
  const { console, property } = programs(cluster.version)
  const shown = ['print.partition=true', 'print.offset=true', `print.value=${hasValues}`]
  const args = [
    ...['--bootstrap-server', cluster.internalServers, '--topic', topic, '--from-beginning'],
    ...['--isolation-level', isolation],
    ...shown.flatMap((setting) => [property, setting]),
  ]
  const tool = await startTool(cluster.version, console, args)
  const records: PrintedRecord[] = []
  const look = (): boolean => {
    for (const line of tool.lines.slice(records.length)) records.push(parseLine(line))
    return isAll(records)
  }
  try {
    const what = `all of ${topic} is printed by the console consumer`
    await tool.waitFor(what, look, timeoutMs)
  } finally {
    await tool.kill()
  }
  look()
  return records
}

/**
 * kafka-consumer-perf-test.sh: how many records it read. It is told to read more than there are, so it
 * goes on until none has come for `idleMs`.
 */
export async function countByPerformanceTest(
  cluster: ClusterAddress,
  topic: string,
  { isolation, atMost, idleMs }: { isolation: Isolation; atMost: number; idleMs: number },
): Promise<number> {
  const { performanceTest } = programs(cluster.version)
  const folder = await mkdtemp(join(tmpdir(), 'kafkawire-config-'))
  try {
    const config = join(folder, 'consumer.properties')
    await writeFile(config, `isolation.level=${isolation}\n`)
    const lines = await runTool(
      cluster.version,
      performanceTest,
      [
        ...['--bootstrap-server', cluster.internalServers, '--topic', topic, '--hide-header'],
        ...['--messages', String(atMost + 1), '--timeout', String(idleMs)],
        ...['--consumer.config', config],
      ],
      { timeoutMs: 180_000 },
    )
    // Start, end, MB, MB/s, records, ...
    const row = lines.map((line) => line.split(', ')).find((cells) => cells.length > 5)
    if (row === undefined) throw new Error(`no result of the performance test: ${lines.join('\n')}`)
    return Number(row[4])
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Their main classes, which moved in 3.8 and 3.5, and the option that was renamed in 4.2. */
function programs(version: KafkaVersion): {
  console: string
  property: string
  performanceTest: string
} {
  const [major, minor] = version.split('.').map(Number)
  const isNew = major >= 3
  return {
    console: isNew
      ? 'org.apache.kafka.tools.consumer.ConsoleConsumer'
      : 'kafka.tools.ConsoleConsumer',
    property: major > 4 || (major === 4 && minor >= 2) ? '--formatter-property' : '--property',
    performanceTest: `${isNew ? 'org.apache.kafka' : 'kafka'}.tools.ConsumerPerformance`,
  }
}

function parseLine(line: string): PrintedRecord {
  const [, partition, offset, value = ''] =
    /^Partition:(\d+)\tOffset:(\d+)(?:\t(.*))?$/.exec(line) ?? []
  if (offset === undefined) throw new GiveUpError(`the console consumer printed '${line}'`)
  return { partition: Number(partition), offset: BigInt(offset), value }
}
