// An AbortSignal of another realm, as tests in jsdom and code in a vm context have: not an instance of this
// realm's class, and of use only as what it is, since its state is private.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'

class ForeignSignal extends EventTarget {
  #isAborted = false
  #reason: unknown

  get aborted(): boolean {
    return this.#isAborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason
  }

  abort(reason: Error): void {
    this.#isAborted = true
    this.#reason = reason
    this.dispatchEvent(new Event('abort'))
  }
}

type Call = (kafka: Kafka, options: { signal: AbortSignal }) => Promise<unknown>

const ignore = (): void => {}
const record = { topic: 'none', value: 'v' }
const manual = { groupId: 'g', enableAutoCommit: false }

/** Calls that wait: of a topic that does not exist, or until their signal aborts. */
const calls: Record<string, Call> = {
  send: (kafka, options) => kafka.producer().send(record, options),
  sendBatch: (kafka, options) => kafka.producer().sendBatch([record], options),
  transaction: (kafka, options) => {
    const producer = kafka.producer({ transactionalId: 'x' })
    return producer.transaction((transaction) => transaction.send(record), options)
  },
  'kafka.partitionsFor': (kafka, options) => kafka.partitionsFor('none', options),
  createTopics: (kafka, options) =>
    kafka.admin().createTopics([{ topic: 'a', numPartitions: 1 }], options),
  endOffsets: (kafka, options) =>
    kafka.consumer(manual).endOffsets([{ topic: 't', partition: 0 }], options),
  records: async (kafka, options) => {
    for await (const _ of kafka.consumer({ ...manual, topics: ['t'] }).records(options));
  },
}

/** Those that end without an error when their signal aborts. */
const loops: Record<string, Call> = {
  run: (kafka, options) =>
    kafka.consumer({ ...manual, topics: ['t'] }).run({ eachRecord: ignore, ...options }),
  'share run': (kafka, options) =>
    kafka.shareConsumer({ groupId: 's', topics: ['t'] }).run({ eachRecord: ignore, ...options }),
  pipe: (kafka, options) => {
    const consumer = kafka.consumer({ ...manual, topics: ['t'] })
    const producer = kafka.producer({ transactionalId: 'p' })
    return kafka.pipe(consumer, () => [], { producer, ...options })
  },
}

let cluster: TestCluster
let kafka: Kafka
beforeAll(async () => {
  cluster = await TestCluster.start({ topics: { t: 1 } })
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers, logger: silentLogger })
})
afterAll(async () => {
  await kafka.close({ timeoutMs: 0 })
  await cluster.close()
})

const signalOf = (foreign: ForeignSignal) => foreign as unknown as AbortSignal

test.each(Object.entries(calls))('%s rejects with its reason', async (_, call) => {
  const aborted = new ForeignSignal()
  const reason = new Error('enough')
  aborted.abort(reason)
  await expect(call(kafka, { signal: signalOf(aborted) })).rejects.toBe(reason)
  const foreign = new ForeignSignal()
  const running = call(kafka, { signal: signalOf(foreign) })
  setImmediate(() => foreign.abort(reason))
  // What is done by then resolves.
  await running.catch((error: unknown) => expect(error).toBe(reason))
})

test.each(Object.entries(loops))('%s ends', async (_, call) => {
  const foreign = new ForeignSignal()
  const running = call(kafka, { signal: signalOf(foreign) })
  setImmediate(() => foreign.abort(new Error('enough')))
  await expect(running).resolves.toBeUndefined()
})
