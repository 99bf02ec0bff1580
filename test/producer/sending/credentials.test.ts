// Credentials that the brokers refuse for a while in mid-life: what a producer is given meanwhile waits until they
// are accepted again. At the start the caller learns of it at once. A code that may pass is never a refusal.

import { expect, onTestFinished, test } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { silentLogger } from '../../../src/logger.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/messages/sasl-handshake.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { group } from '../transactions/with-transactions.ts'

interface Scene {
  kafka: Kafka
  cluster: TestCluster
  /** From now on every login is refused, and there are no connections. */
  refuse: () => void
  /** Accepts logins again when some were refused. */
  acceptLater: () => Promise<void>
}

async function start(): Promise<Scene> {
  const cluster = await TestCluster.start({
    topics: { t: 1, u: 1 },
    nodes: 2,
    sasl: { mechanisms: ['PLAIN'], users: { ann: 'secret' } },
  })
  onTestFinished(() => cluster.close())
  let isRefusing = false
  let refusals = 0
  cluster.intercept(saslAuthenticate, async ({ next }) => {
    const response = await next()
    if (!isRefusing) return response
    refusals++
    return { ...response, errorCode: 58, errorMessage: 'not now', authBytes: Buffer.alloc(0) }
  })
  const kafka = new Kafka({
    bootstrapServers: cluster.bootstrapServers,
    sasl: { mechanism: 'PLAIN', username: 'ann', password: 'secret', allowUnencrypted: true },
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 20,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    logger: silentLogger,
  })
  onTestFinished(() => kafka.close({ timeoutMs: 0 }))
  const refuse = (): void => {
    isRefusing = true
    cluster.disconnectAll()
  }
  const acceptLater = async (): Promise<void> => {
    const before = refusals
    await cluster.waitFor(() => refusals > before + 4, { timeoutMs: 20_000 })
    isRefusing = false
  }
  return { kafka, cluster, refuse, acceptLater }
}

const rows: [string, (scene: Scene) => Promise<unknown>][] = [
  [
    'records to a topic that is known',
    async ({ kafka, refuse }) => {
      const producer = kafka.producer()
      await producer.send({ topic: 't', value: 'a' })
      refuse()
      return producer.send({ topic: 't', value: 'b' })
    },
  ],
  [
    'records to a topic that is not known yet',
    async ({ kafka, refuse }) => {
      const producer = kafka.producer()
      await producer.send({ topic: 't', value: 'a' })
      refuse()
      return producer.send({ topic: 'u', value: 'b' })
    },
  ],
  [
    'records that wait for a producer id',
    async ({ kafka, refuse }) => {
      const producer = kafka.producer()
      await producer.partitionsFor('t')
      refuse()
      return producer.send({ topic: 't', value: 'b' })
    },
  ],
  [
    'initTransactions()',
    async ({ kafka, refuse }) => {
      const producer = kafka.producer({ transactionalId: 'x' })
      await producer.connect()
      refuse()
      return producer.initTransactions()
    },
  ],
  [
    'offsets, and the commit of a transaction',
    async ({ kafka, refuse }) => {
      const producer = kafka.producer({ transactionalId: 'x' })
      return producer.transaction(async (tx) => {
        await tx.send({ topic: 't', value: 'a' })
        refuse()
        await tx.sendOffsets([{ topic: 't', partition: 0, offset: 1n }], group)
      })
    },
  ],
  [
    'abortTransaction()',
    async ({ kafka, refuse }) => {
      const producer = kafka.producer({ transactionalId: 'x' })
      await producer.beginTransaction()
      await producer.send({ topic: 't', value: 'a' })
      refuse()
      return producer.abortTransaction()
    },
  ],
  [
    'a call of an admin client',
    async ({ kafka, refuse }) => {
      const admin = kafka.admin()
      await admin.listTopics()
      refuse()
      return admin.createTopics([{ topic: 'v' }])
    },
  ],
]

test.each(rows)('refused in mid-life: %s', async (_, run) => {
  const scene = await start()
  let refused: Promise<void> = Promise.resolve()
  const refuse = (): void => {
    refused = scene.acceptLater()
    scene.refuse()
  }
  await run({ ...scene, refuse })
  await refused
})

test('refused at the start: told at once, and not retriable', async () => {
  const { kafka, refuse } = await start()
  refuse()
  const producer = kafka.producer()
  await expect(producer.send({ topic: 't', value: 'a' })).rejects.toMatchObject({
    persisted: 'no',
    retriable: false,
    message: expect.stringContaining('SASL_AUTHENTICATION_FAILED'),
  })
})

// UNKNOWN_SERVER_ERROR, REQUEST_TIMED_OUT, a code of a newer broker.
test.each([-1, errorCodes.REQUEST_TIMED_OUT, 9999])(
  'code %i at the start says nothing of the credentials: the record waits',
  async (errorCode) => {
    const { kafka, cluster } = await start()
    let left = 4
    const isRefused = (): boolean => left > 0 && left-- > 0
    cluster.intercept(saslHandshake, async ({ next }) => {
      const response = await next()
      return left > 2 && isRefused() ? { ...response, errorCode } : response
    })
    cluster.intercept(saslAuthenticate, async ({ next }) => {
      const response = await next()
      return isRefused() ? { ...response, errorCode, authBytes: Buffer.alloc(0) } : response
    })
    await kafka.producer().send({ topic: 't', value: 'a' })
    expect(left).toBe(0)
  },
)
