// npm run chaos -- share: members of a share group join, leave, are killed and hang, and the share coordinator
// of a partition, with the leaders on its node, is killed three times. Laws: every record is accepted; none is accepted twice; none is
// delivered after it was accepted. Ends with code 1 when a law was broken.

import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { Producer } from '../../src/producer/producer.ts'
import { type RealCluster, startCluster } from '../harness/cluster.ts'
import { type KafkaVersion, kafkaVersions } from '../harness/distribution.ts'
import { coordinatorOf } from './coordinator.ts'
import { Random } from './random.ts'
import { WorkerProcess, type WorkerSummary } from './worker-process.ts'

const usage = `npm run chaos -- share [options]
  --seconds N   how long members and nodes are harmed (default: 180)
  --seed N      brings the same faults again (default: chosen, and printed)
  --rate N      records a second (default: 200)
  --version V   of the brokers (default: 4.4.0)
  --package F   the entry file of another build of kafkawire`

const PARTITIONS = 6
const LOCK_MS = 5000
const SETTLE_MS = 60_000

interface Verdict {
  written: number
  delivered: number
  again: number
  accepted: number
  failed: number
  violations: string[]
}

interface Member {
  readonly name: string
  readonly process: WorkerProcess
  isGone: boolean
  isHanging: boolean
}

/** The exit code. */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '180' },
      seed: { type: 'string' },
      rate: { type: 'string', default: '200' },
      version: { type: 'string', default: '4.4.0' },
      package: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const version = kafkaVersions.find((each) => each === values.version)
  if (version === undefined) throw new Error(`${values.version} is not one of ${kafkaVersions}`)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6))
  console.log(`seed ${seed}`)
  const run = new ShareRun(version, new Random(seed), Number(values.rate), values.package)
  try {
    await run.start()
    await run.harm(Number(values.seconds))
    const verdict = await run.finish()
    const { violations, ...counts } = verdict
    console.log(JSON.stringify(counts))
    for (const violation of violations) console.log(`VIOLATION: ${violation}`)
    if (violations.length > 0) console.log(`ledgers: ${run.keep()}`)
    return violations.length > 0 ? 1 : 0
  } finally {
    await run.stop()
  }
}

class ShareRun {
  private readonly version: KafkaVersion
  private readonly random: Random
  private readonly rate: number
  private readonly entry: string | undefined
  private readonly name = `share-${randomBytes(4).toString('hex')}`
  private readonly members: Member[] = []
  private readonly written = new Set<string>()
  private readonly hangs: Promise<void>[] = []
  private topicId = ''
  private cluster: RealCluster | null = null
  private kafka: Kafka | null = null
  private producer: Producer | null = null
  private folder = ''
  private isKept = false
  private isWriting = true
  private writing: Promise<void> = Promise.resolve()

  constructor(version: KafkaVersion, random: Random, rate: number, entry: string | undefined) {
    this.entry = entry
    this.version = version
    this.random = random
    this.rate = rate
  }

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'kafkawire-share-'))
    const cluster = await startCluster({
      version: this.version,
      nodes: 3,
      jvmArgs: ['-Xmx400m'],
      properties: { 'group.share.min.record.lock.duration.ms': 1000 },
      ...(this.version.startsWith('4.1') && { features: ['share.version=1'] }),
    })
    this.cluster = cluster
    const { bootstrapServers } = cluster
    const kafka = new Kafka({ bootstrapServers, logger: silentLogger })
    this.kafka = kafka
    const admin = kafka.admin()
    const topic = { topic: this.name, numPartitions: PARTITIONS, replicationFactor: 3 }
    const [{ topicId }] = await admin.createTopics([topic])
    this.topicId = topicId
    // Members die often: no record may be archived for its number of deliveries.
    const configs = [
      { name: 'share.auto.offset.reset', value: 'earliest' },
      { name: 'share.record.lock.duration.ms', value: String(LOCK_MS) },
      { name: 'share.delivery.count.limit', value: '10' },
    ]
    const known = configs.filter(
      ({ name }) => name !== 'share.delivery.count.limit' || this.version === '4.4.0',
    )
    await admin.incrementalAlterConfigs([{ type: 'GROUP', name: this.name, configs: known }])
    this.producer = kafka.producer()
    this.writing = this.write(this.producer)
    for (let i = 0; i < 3; i++) await this.join()
  }

  async harm(seconds: number): Promise<void> {
    const end = Date.now() + seconds * 1000
    let kills = 0
    let nextKill = Date.now() + (seconds * 1000) / 4
    while (Date.now() < end) {
      await delay(this.random.between(500, 4000))
      const present = this.members.filter(({ isGone }) => !isGone)
      const active = present.filter(({ isHanging }) => !isHanging)
      const chance = this.random.next()
      if (present.length < 6 && (active.length < 2 || chance < 0.4)) await this.join()
      else if (active.length < 2) await delay(1000)
      else if (chance < 0.6) await this.leave(this.random.pick(active))
      else if (chance < 0.85) await this.kill(this.random.pick(active))
      else this.hangs.push(this.hang(this.random.pick(active)))
      if (Date.now() < nextKill || kills >= 3) continue
      nextKill = Date.now() + (seconds * 1000) / 4
      await this.killCoordinator(kills++)
    }
    await Promise.all(this.hangs)
  }

  /** Waits until everything that was written is accepted, and judges. */
  async finish(): Promise<Verdict> {
    this.isWriting = false
    await this.writing
    if (this.members.every(({ isGone }) => isGone)) await this.join()
    const end = Date.now() + SETTLE_MS
    let verdict = await this.judge()
    while (verdict.accepted < this.written.size && Date.now() < end) {
      await delay(500)
      verdict = await this.judge()
    }
    for (const member of this.members) if (!member.isGone) await this.leave(member)
    verdict = await this.judge()
    const left = this.written.size - verdict.accepted
    // What a member that was killed had accepted is not in its ledger.
    if (left > 0) verdict.violations.push(...(await this.lost()))
    return verdict
  }

  keep(): string {
    this.isKept = true
    return this.folder
  }

  async stop(): Promise<void> {
    this.isWriting = false
    for (const { process, isGone } of this.members) if (!isGone) await process.kill()
    await this.kafka?.close({ timeoutMs: 5000 })
    await this.cluster?.stop()
    if (!this.isKept) await rm(this.folder, { recursive: true, force: true })
  }

  private async write(producer: Producer): Promise<void> {
    for (let count = 0; this.isWriting; count += 20) {
      const batch = Array.from({ length: 20 }, (_, i) => ({
        topic: this.name,
        partition: (count / 20 + i) % PARTITIONS,
        value: `v${count + i}`,
      }))
      for (const { partition, offset } of await producer.sendBatch(batch)) {
        this.written.add(`${partition}@${offset}`)
      }
      await delay(20_000 / this.rate)
    }
  }

  private async join(): Promise<void> {
    const name = `member-${this.members.length + 1}`
    const { folder } = this
    const { bootstrapServers } = this.cluster as RealCluster
    const { name: topic, entry } = this
    const options = { bootstrapServers, topic, groupId: topic, name, workMs: 20, package: entry }
    const process = await WorkerProcess.start<WorkerSummary>({
      script: 'share-member.mjs',
      name,
      folder,
      options,
    })
    this.members.push({ name, process, isGone: false, isHanging: false })
    console.log(`${name} joins`)
  }

  private async leave(member: Member): Promise<void> {
    console.log(`${member.name} leaves`)
    member.isGone = true
    await member.process.close(40_000)
  }

  private async kill(member: Member): Promise<void> {
    console.log(`kill -9 of ${member.name}`)
    member.isGone = true
    await member.process.kill()
  }

  private async hang(member: Member): Promise<void> {
    console.log(`${member.name} hangs for 20 s`)
    member.isHanging = true
    member.process.pause()
    await delay(20_000)
    member.process.resume()
    member.isHanging = false
  }

  /** The share coordinator of this partition: it keeps which of its records are acquired and accepted. */
  private async killCoordinator(partition: number): Promise<void> {
    const cluster = this.cluster as RealCluster
    const key = `${this.name}:${this.topicId}:${partition}`
    const nodeId = await coordinatorOf(cluster, '__share_group_state', key)
    console.log(`kill -9 of node ${nodeId}, the share coordinator of partition ${partition}`)
    await cluster.kill(nodeId)
    await delay(this.random.between(3000, 8000))
    await cluster.restart(nodeId)
  }

  /** Records that no ledger has at all: those were not even delivered. */
  private async lost(): Promise<string[]> {
    const seen = new Set((await this.facts()).map(({ name }) => name))
    const missing = [...this.written].filter((name) => !seen.has(name))
    return missing.length === 0 ? [] : [`${missing.length} lost, such as ${missing.slice(0, 5)}`]
  }

  private async facts(): Promise<{ kind: string; at: number; name: string; by: string }[]> {
    const facts: { kind: string; at: number; name: string; by: string }[] = []
    for (const { name: by, process } of this.members) {
      const text = await readFile(process.ledgerFile, 'utf8').catch(() => '')
      for (const line of text.split('\n')) {
        if (!line.endsWith(']')) continue
        const [kind, at, partition, ...rest] = JSON.parse(line)
        const offsets: number[] = kind === 'd' ? rest.slice(0, 1) : rest
        for (const offset of offsets) facts.push({ kind, at, name: `${partition}@${offset}`, by })
      }
    }
    return facts.sort((a, b) => a.at - b.at)
  }

  private async judge(): Promise<Verdict> {
    const acceptedAt = new Map<string, number>()
    const deliveries = new Map<string, number>()
    const violations: string[] = []
    let failed = 0
    for (const { kind, at, name, by } of await this.facts()) {
      const before = acceptedAt.get(name)
      if (kind === 'f') failed++
      else if (kind === 'a') {
        if (before !== undefined) violations.push(`${name} was accepted twice, by ${by} too`)
        acceptedAt.set(name, before ?? at)
      } else {
        deliveries.set(name, (deliveries.get(name) ?? 0) + 1)
        // A response that was on its way when the record was accepted elsewhere is no violation.
        if (before !== undefined && at - before > LOCK_MS) {
          violations.push(`${name} was delivered to ${by} ${at - before} ms after it was accepted`)
        }
      }
    }
    const counts = [...deliveries.values()]
    return {
      written: this.written.size,
      delivered: deliveries.size,
      again: counts.reduce((sum, count) => sum + count - 1, 0),
      accepted: acceptedAt.size,
      failed,
      violations,
    }
  }
}
