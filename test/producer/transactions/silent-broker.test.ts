// A broker that leaves a Produce request without a response: no call of a transaction waits for that longer
// than it may. What is left behind continues, and no outcome is claimed that is not known.

import { expect, test } from 'vitest'
import { OutcomeUnknownError } from '../../../src/errors.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import { endTxn } from '../../../src/protocol/messages/end-txn.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import { noAnswer } from '../../../src/testing/interceptors.ts'
import type { TestCluster } from '../../../src/testing/test-cluster.ts'
import { startCluster, startProducer, valuesOf } from '../with-producer.ts'

const record = { topic: 't', value: 'v' }

/** A producer whose next Produce request has no response for two seconds. */
async function silenced(
  options: object = {},
): Promise<{ cluster: TestCluster; producer: Producer }> {
  const cluster = await startCluster()
  const producer = startProducer(cluster, {
    transactionalId: 'x',
    requestTimeoutMs: 2000,
    ...options,
  })
  await producer.transaction((tx) => tx.send({ topic: 't', value: 'before' }))
  const stop = cluster.intercept(produce, () => {
    stop()
    return noAnswer
  })
  return { cluster, producer }
}

test.each(['timeoutMs', 'signal'])(
  'transaction() whose %s is over waits for its abort for a second at most; the next one follows it',
  async (limit) => {
    const { cluster, producer } = await silenced()
    const startedAt = performance.now()
    const limits = limit === 'signal' ? { signal: AbortSignal.timeout(200) } : { timeoutMs: 200 }
    const failed = producer.transaction((tx) => tx.send(record), limits)
    await expect(failed).rejects.toThrow(OutcomeUnknownError)
    await expect(failed).rejects.toMatchObject({
      message: expect.stringMatching(
        /the transaction failed \(.*\), and so did its abort: abortTransaction\(\) of 'x' has no outcome within 1000 ms/,
      ),
    })
    expect(performance.now() - startedAt).toBeLessThan(1900)
    await producer.transaction((tx) => tx.send({ topic: 't', value: 'after' }))
    const ends = cluster.requests(endTxn).map(({ request }) => request.committed)
    expect(ends).toEqual([true, false, true])
    expect((await valuesOf(cluster)).filter((value) => value !== 'v').length).toBeGreaterThan(1)
  },
)

test.each(['commitTransaction', 'abortTransaction'] as const)(
  '%s() ends after maxBlockMs, and again when it is called again; its end continues',
  async (call) => {
    const { cluster, producer } = await silenced({ maxBlockMs: 500 })
    await producer.beginTransaction()
    const sent = producer.send(record)
    sent.catch(() => {})
    await cluster.waitFor(() => cluster.requests(produce).length === 2)
    for (let i = 0; i < 2; i++) {
      const startedAt = performance.now()
      const ended = producer[call]()
      await expect(ended).rejects.toThrow(OutcomeUnknownError)
      await expect(ended).rejects.toThrow(`${call}() of 'x' has no outcome within 500 ms`)
      expect(performance.now() - startedAt).toBeLessThan(1000)
    }
    await producer[call]({ timeoutMs: 10_000 })
    const ends = cluster.requests(endTxn).map(({ request }) => request.committed)
    expect(ends).toEqual([true, call === 'commitTransaction'])
    if (call === 'commitTransaction') expect((await sent).offset).toBeGreaterThan(0n)
  },
)
