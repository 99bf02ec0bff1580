// One run of the copy job: a producer feeds the input, copiers copy it in transactions, a reader watches
// the output, and a scenario harms them all. Then all is healed, what is left must be copied, and the
// oracle judges.

import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClusterAddress } from '../harness/cluster.ts'
import { runTool } from '../harness/command-tool.ts'
import { readByConsole } from '../harness/java-programs.ts'
import type { JavaTools } from '../harness/java-tools.ts'
import { waitUntil } from '../harness/wait-until.ts'
import type { ChaosCluster } from './chaos-cluster.ts'
import { readCommits } from './commit-log.ts'
import { Copiers } from './copiers.ts'
import { type CopyRecord, type CopyVerdict, compareReader, judgeCopies } from './copy-oracle.ts'
import { startLoad } from './load-process.ts'
import { Random } from './random.ts'
import type { CopyScenario } from './scenarios/copies.ts'
import { Stage } from './stage.ts'
import { WorkerProcess } from './worker-process.ts'

export interface CopyOptions {
  seed: number
  /** In place of the scenario's own. */
  seconds?: number
  /** How many records the input gets, spread over the time of the faults. Default: 100,000. */
  records?: number
  /** Default: the scenario's own. */
  recordsPerTransaction?: number
  /** By kafka.pipe() or by producer.transaction(). Default: pipe. */
  by?: 'pipe' | 'transaction'
  package?: string
  isVerbose?: boolean
}

export interface CopyResult {
  scenario: CopyScenario
  seed: number
  verdict: CopyVerdict
  /** How many outputs the console consumer of Kafka's own printed, with read_committed. */
  printed: number
  /** Processes of copiers, and how many of them were fenced. */
  lives: number
  fenced: number
  /** From the end of the faults until the output was complete. */
  drainMs: number
  /** Laws that did not hold: zero is the only pass. */
  violations: string[]
  evidence: string[]
  /** Where ledgers and errors are; null when there was no reason to keep them. */
  folder: string | null
}

const partitionCount = 6
const copierCount = 3
const drainMs = 120_000
const stopMs = 60_000

export async function runCopies(
  { cluster, proxies, tools }: ChaosCluster,
  scenario: CopyScenario,
  options: CopyOptions,
): Promise<CopyResult> {
  const { seed, isVerbose = false } = options
  const seconds = options.seconds ?? scenario.seconds
  const random = new Random(seed)
  const name = `copy-${scenario.id}-${randomBytes(4).toString('hex')}`
  const topics = { input: `${name}-in`, output: `${name}-out` }
  for (const topic of Object.values(topics)) {
    await tools.createTopic(topic, { partitions: partitionCount })
  }
  const folder = await mkdtemp(join(tmpdir(), `kafkawire-${name}-`))
  const { bootstrapServers } = cluster
  const feed = await startLoad({
    client: 'kafkawire',
    topic: topics.input,
    folder,
    bootstrapServers,
    partitions: partitionCount,
    producer: 1,
    package: options.package,
    isVerbose,
    rate: Math.ceil((options.records ?? 100_000) / seconds),
    sizes: [100],
    requestTimeoutMs: 5000,
    deliveryTimeoutMs: 120_000,
    maxBlockMs: 120_000,
    bufferMemory: 32 * 1024 * 1024,
    maxRequestSize: 1024 * 1024,
    metadataMaxAgeMs: 300_000,
    mostOut: 20,
  })
  const assignor = random.pick(['range', 'cooperative-sticky'])
  const copiers = new Copiers(
    {
      bootstrapServers,
      ...topics,
      groupId: name,
      name,
      folder,
      by: options.by ?? 'pipe',
      assignor,
      recordsPerTransaction: options.recordsPerTransaction ?? scenario.recordsPerTransaction ?? 750,
      mostMs: 2000,
      transactionTimeoutMs: scenario.transactionTimeoutMs ?? 10_000,
      requestTimeoutMs: 5000,
      deliveryTimeoutMs: 60_000,
      maxBlockMs: 60_000,
      package: options.package,
      isVerbose,
    },
    copierCount,
  )
  const seenFile = join(folder, 'seen')
  const reader = await WorkerProcess.start({
    script: 'read-copies.mjs',
    name: 'reader',
    folder,
    options: {
      bootstrapServers,
      output: topics.output,
      partitions: partitionCount,
      seen: seenFile,
      package: options.package,
    },
  })
  const violations: string[] = []
  let drained = 0
  try {
    copiers.start()
    const stage = new Stage(
      {
        cluster,
        proxies,
        tools,
        topic: topics.input,
        partitions: Array.from({ length: partitionCount }, (_, partition) => partition),
        random,
        consumers: null,
      },
      seconds,
      isVerbose,
    )
    stage.log(`${assignor}`)
    await stage.sleep(3000)
    await scenario.run(stage, copiers)
    for (let copier = 0; copier < copierCount; copier++) copiers.resume(copier)
    await stage.heal()
    const feeding = await feed.stop(130_000)
    if (!feeding.endedByItself) violations.push('the feeder did not end by itself')
    const healed = Date.now()
    const isDone = (): Promise<boolean> => isCopied(tools, topics.input, name)
    await waitUntil('all is copied', isDone, { timeoutMs: drainMs, intervalMs: 500 }).catch(() => {
      violations.push(`input left after ${drainMs} ms`)
    })
    drained = Date.now() - healed
  } catch (error) {
    await reader.kill()
    throw error
  } finally {
    await feed.kill()
    const late = await copiers.stop(stopMs)
    if (late.length > 0) violations.push(`did not end by itself: ${late.join(', ')}`)
  }

  const records = async (topic: string): Promise<CopyRecord[]> => {
    const isolation = topic === topics.output ? 'read_committed' : 'read_uncommitted'
    const found = await tools.consume(topic, { isolation, timeoutMs: 180_000 })
    return found.map(({ partition, offset, value }) => ({
      partition,
      offset: Number(offset),
      value,
    }))
  }
  const output = await records(topics.output)
  const verdict = judgeCopies(await records(topics.input), output, await copiers.facts())
  reader.tell(`${output.length}\n`)
  if (!(await reader.endsWithin(60_000))) violations.push('the reader did not come to the end')
  await reader.kill()
  const readers = compareReader(await readSeen(seenFile), output)
  if (readers.length > 0) violations.push('the reader saw something else')
  const printed = await readPrinted(cluster, topics.output, output.length)
  const byConsole = compareReader(printed, output)
  if (byConsole.length > 0) violations.push('the console consumer printed something else')
  const evidence = [...verdict.evidence, ...readers, ...byConsole]
  for (const [law, count] of Object.entries(verdict.violations)) {
    if (count > 0) violations.push(`${law} ${count}`)
  }
  if (verdict.inputs === 0) violations.push('nothing to copy')
  for (const text of [
    ...copiers.crashes,
    ...(await leftovers(cluster.internalServers, tools, topics.output, name)),
  ]) {
    violations.push(text)
  }
  for (const fact of await copiers.facts()) {
    if (fact.what !== 'rejection' && fact.what !== 'failed') continue
    evidence.push(`${fact.what} in life ${fact.life}: ${fact.error}`)
    if (fact.what === 'rejection') violations.push(`unhandled rejection in life ${fact.life}`)
  }
  const isKept = violations.length > 0 || process.env.KAFKAWIRE_KEEP !== undefined
  if (!isKept) {
    await rm(folder, { recursive: true })
    for (const topic of Object.values(topics)) await tools.deleteTopic(topic)
  }
  if (isKept) await writeCommits(tools, name, topics.input, join(folder, 'commits.txt'))
  const { lives, fenced } = copiers
  const kept = isKept ? folder : null
  return {
    scenario,
    seed,
    verdict,
    printed: printed.length,
    lives,
    fenced,
    drainMs: drained,
    violations,
    evidence,
    folder: kept,
  }
}

/** Whether the group has committed all of its input. */
async function isCopied(tools: JavaTools, input: string, groupId: string): Promise<boolean> {
  const committed = await tools.groupOffsets(groupId)
  const ends = await tools.offsets(input)
  return [...ends].every(
    ([partition, end]) =>
      end === 0n || committed.some((one) => one.partition === partition && one.offset === end),
  )
}

/** O10: what the job has left behind on the brokers. */
async function leftovers(
  servers: string,
  tools: JavaTools,
  output: string,
  groupId: string,
): Promise<string[]> {
  const left: string[] = []
  const members = (await tools.describeGroup(groupId)).members.length
  if (members > 0) left.push(`${members} members left in the group`)
  const ends = await tools.offsets(output, 'latest', 'read_uncommitted')
  const stable = await tools.offsets(output, 'latest', 'read_committed')
  for (const [partition, end] of ends) {
    if (stable.get(partition) === end) continue
    left.push(`partition ${partition} is stable up to ${stable.get(partition)} of ${end}`)
  }
  let transactions: Awaited<ReturnType<JavaTools['transactions']>>
  try {
    transactions = await tools.transactions()
  } catch (error) {
    // Brokers before 3.0 cannot list them: there the ends of the log above have said it.
    if (String(error).includes('LIST_TRANSACTIONS')) return left
    throw error
  }
  const open = transactions.filter(
    ({ transactionalId, state }) =>
      transactionalId.startsWith(groupId) && !state.startsWith('Complete') && state !== 'Empty',
  )
  for (const { transactionalId, state } of open) left.push(`${transactionalId} is ${state}`)
  for (const topic of [output, '__consumer_offsets']) {
    for (const [partition] of topic === output ? ends : [[0], [1], [2]]) {
      const lines = await findHanging(servers, topic, partition)
      for (const line of lines) left.push(`hanging: ${line}`)
    }
  }
  return left
}

/** kafka-transactions.sh find-hanging: a table with a head, and a line for each. */
async function findHanging(servers: string, topic: string, partition: number): Promise<string[]> {
  const args = ['--bootstrap-server', servers, 'find-hanging', '--topic', topic]
  const main = 'org.apache.kafka.tools.TransactionsCommand'
  const more = ['--partition', String(partition), '--max-transaction-timeout', '0']
  const lines = await runTool('4.4.0', main, [...args, ...more], { timeoutMs: 60_000 })
  return lines.slice(1).filter((line) => line.trim() !== '')
}

/** A second count by another program. */
async function readPrinted(
  cluster: ClusterAddress,
  topic: string,
  count: number,
): Promise<{ partition: number; offset: number }[]> {
  if (count === 0) return []
  const printed = await readByConsole(cluster, topic, {
    isolation: 'read_committed',
    isAll: (records) => records.length >= count,
    hasValues: false,
    timeoutMs: 180_000,
  })
  return printed.map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
}

/** For who looks for the reason: the group's offsets as its coordinators took them, in order. */
async function writeCommits(
  tools: JavaTools,
  groupId: string,
  topic: string,
  file: string,
): Promise<void> {
  const commits = await readCommits(tools, groupId, topic)
  const lines = commits.map(({ partition, offset, at }) => {
    return `${new Date(at).toISOString()} ${partition} ${offset}\n`
  })
  await writeFile(file, lines.join(''))
}

async function readSeen(file: string): Promise<{ partition: number; offset: number }[]> {
  const bytes = await readFile(file)
  return Array.from({ length: bytes.length / 20 }, (_, i) => ({
    partition: bytes.readUInt32BE(20 * i),
    offset: Number(bytes.readBigInt64BE(20 * i + 4)),
  }))
}
