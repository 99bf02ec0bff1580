// A member whose event loop is blocked for longer than its session and its locks, while a second one waits: the
// broker gives what it had to the other one, and nothing that it had fetched before is delivered afterwards.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { WorkerProcess } from '../chaos/worker-process.ts'
import { describeReal, type RealCluster, startCluster, uniqueName } from '../harness/real.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { ensureBuilt } from './build.ts'

const SESSION_MS = 6000
const LOCK_MS = 5000
const BLOCK_MS = 20_000
const PARTITIONS = 4

interface Delivery {
  partition: number
  offset: number
  deliveryCount: number
  at: number
}

const classic = {
  groupProtocol: 'classic',
  sessionTimeoutMs: SESSION_MS,
  heartbeatIntervalMs: 1000,
} as const
const kinds = {
  'classic, eager': { ...classic, partitionAssignors: ['range'] },
  'classic, cooperative': { ...classic, partitionAssignors: ['cooperative-sticky'] },
  consumer: { groupProtocol: 'consumer' },
  share: null,
} as const

const until = (what: string, look: () => unknown): Promise<unknown> =>
  waitUntil(what, async () => (await look()) || null, { timeoutMs: 120_000 })

describeReal('an event loop that is blocked for 20 s', () => {
  let cluster: RealCluster
  let kafka: Kafka
  let folder: string

  beforeAll(async () => {
    await ensureBuilt()
    folder = await mkdtemp(join(tmpdir(), 'kafkawire-blocked-'))
    const times = ['consumer', 'share'].flatMap((type) => [
      [`group.${type}.min.session.timeout.ms`, SESSION_MS],
      [`group.${type}.session.timeout.ms`, SESSION_MS],
      [`group.${type}.min.heartbeat.interval.ms`, 1000],
      [`group.${type}.heartbeat.interval.ms`, 1000],
    ])
    cluster = await startCluster({
      version: '4.4.0',
      properties: {
        ...Object.fromEntries(times),
        'group.share.min.record.lock.duration.ms': 1000,
        'group.share.record.lock.duration.ms': LOCK_MS,
        'group.initial.rebalance.delay.ms': 0,
      },
    })
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
  })

  afterAll(async () => {
    await kafka?.close()
    await cluster?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test.concurrent.each(Object.entries(kinds))(
    '%s: no record is delivered by both members',
    async (kind, options) => {
      const topic = uniqueName('blocked')
      const admin = kafka.admin()
      await admin.createTopics([{ topic, numPartitions: PARTITIONS }], { waitUntilReady: true })
      if (options === null) {
        const configs = [{ name: 'share.auto.offset.reset', value: 'earliest' }]
        await admin.incrementalAlterConfigs([{ type: 'GROUP', name: topic, configs }])
      }
      const common = { groupId: topic, topics: [topic] }
      const ofGroup = { ...common, autoOffsetReset: 'earliest', ...options } as const
      const child = await WorkerProcess.start({
        script: 'blocked-member.mjs',
        name: kind.replace(', ', '-'),
        folder,
        options: {
          bootstrapServers: cluster.bootstrapServers,
          blockMs: BLOCK_MS,
          consumer: options === null ? common : ofGroup,
        },
      })
      const other = options === null ? kafka.shareConsumer(common) : kafka.consumer(ofGroup)
      const byOther: Delivery[] = []
      const reading = (async () => {
        for await (const record of other) {
          const { partition, offset } = record
          const deliveryCount = 'deliveryCount' in record ? record.deliveryCount : 1
          byOther.push({ partition, offset: Number(offset), deliveryCount, at: Date.now() })
        }
      })()
      let isWriting = true
      const producer = kafka.producer()
      const writing = (async () => {
        while (isWriting) {
          const sent = Array.from({ length: PARTITIONS }, (_, partition) => ({
            topic,
            partition,
            value: 'x',
          }))
          await producer.sendBatch(sent)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()
      const ledger = async (): Promise<Ledger> => readLedger(child.ledgerFile)
      try {
        const isShared = (): boolean =>
          options === null ? byOther.length > 0 : other.assignment().length === PARTITIONS / 2
        await until(
          'both members read',
          async () => isShared() && (await ledger()).delivered.length > 20,
        )
        child.tell('block\n')
        await until('the event loop is blocked', async () => (await ledger()).inHand !== null)
        const { inHand } = await ledger()
        // What was in hand is committed in a consumer group, and comes again in a share group.
        const takenOver = (): Delivery | undefined =>
          byOther.find(
            ({ partition, offset }) =>
              partition === inHand?.partition &&
              (options === null ? offset === inHand.offset : offset > inHand.offset),
          )
        await until('the other member reads on', () => takenOver())
        await until('the blocked member reads again', async () => (await ledger()).after > 100)
        isWriting = false
        await writing
        expect(await child.close(60_000), await child.errors()).toBe(true)
        const { delivered, wokeAt } = await ledger()
        expect(takenOver()?.at, 'it read on while the loop was blocked').toBeLessThan(wokeAt)
        // A record that comes again in a share group says so by its count, which is 1 elsewhere.
        const all = [...delivered, ...byOther].map(
          ({ partition, offset, deliveryCount }) => `${partition}@${offset} ${deliveryCount}`,
        )
        expect(all.length).toBeGreaterThan(100)
        expect(all.filter((each, index) => all.indexOf(each) !== index)).toEqual([])
      } finally {
        isWriting = false
        await writing
        if (child.isAlive) await child.kill()
        await other.close()
        await reading
      }
    },
    300_000,
  )
})

interface Ledger {
  delivered: Delivery[]
  inHand: Delivery | null
  wokeAt: number
  /** How many were delivered after that. */
  after: number
}

async function readLedger(file: string): Promise<Ledger> {
  const ledger: Ledger = { delivered: [], inHand: null, wokeAt: Number.POSITIVE_INFINITY, after: 0 }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  for (const line of text.split('\n')) {
    // The last line may not be whole yet.
    if (!line.endsWith(']')) continue
    const [kind, at, partition, offset, deliveryCount] = JSON.parse(line)
    if (kind === 'woke') {
      ledger.wokeAt = at
      continue
    }
    const delivery = { partition, offset, deliveryCount, at }
    ledger.delivered.push(delivery)
    if (kind === 'blocks') ledger.inHand = delivery
    else if (ledger.inHand !== null) ledger.after++
  }
  return ledger
}
