import { describe, expect, test } from 'vitest'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { initProducerId } from '../../src/protocol/messages/init-producer-id.ts'
import { joinGroup } from '../../src/protocol/messages/join-group.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { disconnect, noAnswer } from '../../src/testing/interceptors.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { RawClient } from './raw-client.ts'
import {
  batch,
  fetchFrom,
  fetchPartition,
  joinOf,
  metadataOf,
  produceTo,
  sequenced,
} from './requests.ts'
import { connectTo, startCluster } from './with-cluster.ts'

const member = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }

function offsetOf(response: { responses: { partitionResponses: { baseOffset: bigint }[] }[] }) {
  return response.responses[0].partitionResponses[0].baseOffset
}

describe('interceptors', () => {
  test('see each request and may change it and its answer', async () => {
    const cluster = await startCluster({ nodes: 2, topics: { a: 1, b: 1 } })
    cluster.intercept(metadata, async (call) => {
      expect(call).toMatchObject({ api: 'Metadata', version: 12, nodeId: 2, clientId: 'raw' })
      call.request.topics = [{ topicId: cluster.topicId('b'), name: null }]
      const response = await call.next()
      response.clusterId = 'changed'
      return response
    })
    const client = await connectTo(cluster, 2)
    const response = await client.request(metadata, 12, metadataOf(['a']))
    expect(response).toMatchObject({ clusterId: 'changed', topics: [{ name: 'b' }] })
  })

  test('run newest first, and are gone when removed', async () => {
    const cluster = await startCluster()
    const seen: string[] = []
    cluster.intercept(heartbeat, (call) => {
      seen.push('old')
      return call.next()
    })
    const remove = cluster.intercept(heartbeat, (call) => {
      seen.push('new')
      return call.next()
    })
    const client = await connectTo(cluster)
    await client.request(heartbeat, 4, member)
    remove()
    await client.request(heartbeat, 4, member)
    expect(seen).toEqual(['new', 'old', 'old'])
  })

  test('may answer in place of the broker', async () => {
    const cluster = await startCluster()
    cluster.intercept(heartbeat, () => ({ throttleTimeMs: 9, errorCode: 27 }))
    const client = await connectTo(cluster)
    expect(await client.request(heartbeat, 4, member)).toEqual({ throttleTimeMs: 9, errorCode: 27 })
  })

  test('may swallow the answer of what was done', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const remove = cluster.intercept(produce, async (call) => {
      await call.next()
      return noAnswer
    })
    const client = await connectTo(cluster)
    client.send(produce, 12, produceTo('t', 0, batch(['a'])))
    await cluster.waitFor(() => cluster.partition('t', 0).logEndOffset === 1n)
    remove()
    // The connection goes on: the next answer is that of the next request.
    const next = await client.request(produce, 12, produceTo('t', 0, batch(['b'])))
    expect(offsetOf(next)).toBe(1n)
  })

  test('may cut the connection before or after the deed', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.intercept(produce, async (call) => {
      if (call.nodeId === 1) await call.next()
      return disconnect
    })
    const client = await connectTo(cluster)
    client.send(produce, 12, produceTo('t', 0, batch(['a'])))
    await client.closed
    expect(cluster.partition('t', 0).logEndOffset).toBe(1n)
    expect(cluster.connections).toEqual([])
  })

  test('may deliver a request twice', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    cluster.intercept(produce, async (call) => {
      await call.next()
      return await call.next()
    })
    const client = await connectTo(cluster)
    expect(offsetOf(await client.request(produce, 12, produceTo('t', 0, batch(['a']))))).toBe(1n)
    expect(cluster.partition('t', 0).logEndOffset).toBe(2n)
  })

  test('a newer one that goes on meets what an older one decided', async () => {
    const cluster = await startCluster()
    cluster.intercept(heartbeat, () => disconnect)
    cluster.intercept(heartbeat, (call) => call.next())
    const client = await connectTo(cluster)
    client.send(heartbeat, 4, member)
    await client.closed
  })

  test('one that throws ends the connection, and close tells', async () => {
    const cluster = await TestCluster.start()
    cluster.intercept(heartbeat, () => {
      throw new Error('the test is wrong')
    })
    const client = await RawClient.connect(cluster.portOf(1))
    client.send(heartbeat, 4, member)
    await client.closed
    const failure = await cluster.close().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors).toEqual([new Error('the test is wrong')])
  })

  test('can close and pause the connection of a call', async () => {
    const cluster = await startCluster()
    let isPaused = false
    cluster.intercept(heartbeat, async (call) => {
      if (!isPaused) {
        isPaused = true
        call.connection.pause()
        setTimeout(() => call.connection.resume(), 20)
        return await call.next()
      }
      call.connection.close()
      return await call.next()
    })
    const client = await connectTo(cluster)
    const before = performance.now()
    expect((await client.request(heartbeat, 4, member)).errorCode).toBe(25)
    expect(performance.now() - before).toBeGreaterThan(18)
    client.send(heartbeat, 4, member)
    await client.closed
  })
})

describe('what came in', () => {
  test('is kept, by API and in order', async () => {
    const cluster = await startCluster({ topics: { t: 1 } })
    const client = await connectTo(cluster)
    await client.request(metadata, 12, metadataOf(['t']))
    await client.request(heartbeat, 4, member)
    await client.request(metadata, 9, metadataOf(['u']))
    expect(cluster.requests().map(({ api }) => api)).toEqual(['Metadata', 'Heartbeat', 'Metadata'])
    const [first, second] = cluster.requests(metadata)
    expect(first).toMatchObject({ version: 12, nodeId: 1, clientId: 'raw' })
    expect(second.request.topics?.[0].name).toBe('u')
    expect(second.at).toBeGreaterThan(first.at)
    cluster.clearRequests()
    expect(cluster.requests()).toEqual([])
  })

  test('is the last ten thousand', async () => {
    const cluster = await startCluster()
    const client = await connectTo(cluster)
    for (let i = 0; i < 10_005; i++) client.send(heartbeat, 4, { ...member, generationId: i })
    for (let i = 0; i < 10_005; i++) await client.nextFrame()
    const all = cluster.requests(heartbeat)
    expect(all.length).toBe(10_000)
    expect(all[0].request.generationId).toBe(5)
    expect(all[9999].request.generationId).toBe(10_004)
  })

  test('is not kept when told so', async () => {
    const cluster = await startCluster({ record: false })
    expect(() => cluster.requests()).toThrow(/record: false/)
  })
})

describe('nodes', () => {
  test('stop with a reset, refuse, and start again on the same port', async () => {
    const cluster = await startCluster({ nodes: 2 })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    const port = cluster.portOf(1)
    const client = await connectTo(cluster, 1)
    const failed = new Promise<NodeJS.ErrnoException>((resolve) => {
      client.socket.on('error', resolve)
    })
    await cluster.stopNode(1)
    expect((await failed).code).toBe('ECONNRESET')
    await expect(RawClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(cluster.leaderOf('t', 0)).toBe(2)
    await cluster.startNode(1)
    expect(cluster.portOf(1)).toBe(port)
    expect((await (await connectTo(cluster, 1)).request(heartbeat, 4, member)).errorCode).not.toBe(
      0,
    )
    expect(cluster.leaderOf('t', 0)).toBe(2)
  })

  test('may fall without anybody noticing', async () => {
    const cluster = await startCluster({ nodes: 2 })
    cluster.createTopic('t', { assignments: [[1, 2]] })
    await cluster.stopNode(1, { electLeaders: false })
    expect(cluster.leaderOf('t', 0)).toBe(1)
    expect(cluster.partition('t', 0).leaderEpoch).toBe(0)
    cluster.moveLeader('t', 0, 2)
    expect(cluster.partition('t', 0).leaderEpoch).toBe(1)
  })

  test('hang when paused: they accept and answer nothing, until they are resumed', async () => {
    const cluster = await startCluster()
    const before = await connectTo(cluster)
    cluster.pauseNode(1)
    const during = await connectTo(cluster)
    const answers = [before, during].map((client) => client.request(heartbeat, 4, member))
    const answered: unknown[] = []
    for (const answer of answers) answer.then((value) => answered.push(value))
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(answered).toEqual([])
    expect(cluster.requests()).toEqual([])
    cluster.resumeNode(1)
    await Promise.all(answers)
    expect(cluster.requests().length).toBe(2)
  })

  test('can lose all connections, or those of one node', async () => {
    const cluster = await startCluster({ nodes: 2 })
    const [a, b] = [await connectTo(cluster, 1), await connectTo(cluster, 2)]
    await cluster.waitFor(() => cluster.connections.length === 2)
    expect(cluster.connections.map(({ nodeId }) => nodeId)).toEqual([1, 2])
    cluster.disconnectAll(1)
    await a.closed
    await cluster.waitFor(() => cluster.connections.length === 1)
    cluster.disconnectAll()
    await b.closed
  })

  test('that are not there are named', async () => {
    const cluster = await startCluster({ nodes: 2 })
    expect(() => cluster.portOf(7)).toThrow('the test cluster has no node 7: it has 1, 2')
    await expect(cluster.stopNode(7)).rejects.toThrow(/no node 7/)
    expect(cluster.bootstrapServers).toBe(
      `127.0.0.1:${cluster.portOf(1)},127.0.0.1:${cluster.portOf(2)}`,
    )
  })
})

describe('waiting', () => {
  test('ends with the condition, with its error, or at the deadline', async () => {
    const cluster = await startCluster()
    let isTrue = false
    setTimeout(() => {
      isTrue = true
    }, 10)
    await cluster.waitFor(() => isTrue)
    await expect(
      cluster.waitFor(() => {
        throw new Error('cannot be')
      }),
    ).rejects.toThrow('cannot be')
    await expect(cluster.waitFor(() => 1 > 2, { timeoutMs: 20 })).rejects.toThrow(
      /not true within 20 ms: \(\) => 1 > 2/,
    )
  })

  test('ends with the cluster', async () => {
    const cluster = await TestCluster.start()
    const waiting = cluster.waitFor(() => false)
    const failure = expect(waiting).rejects.toThrow(/was closed/)
    await cluster.close()
    await failure
  })
})

test('what an interceptor lets go on after close leaves no timer', async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  await expect.poll(timers).toBe(0)
  const cluster = await TestCluster.start({ topics: { t: 2 } })
  const client = await RawClient.connect(cluster.portOf(1))
  const { producerId, producerEpoch } = await client.request(initProducerId, 5, {
    transactionalId: 'x',
    transactionTimeoutMs: 60_000,
    producerId: -1n,
    producerEpoch: -1,
    enable2Pc: false,
    keepPreparedTxn: false,
  })
  let goOn = (): void => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const answers: Promise<unknown>[] = []
  cluster.intercept(fetch, async (call) => {
    await held
    const answer = call.next()
    answers.push(answer)
    return await answer
  })
  cluster.intercept(produce, async (call) => {
    await held
    const answer = call.next()
    answers.push(answer)
    return await answer
  })
  client.send(fetch, 12, fetchFrom('t', [fetchPartition(1, 0n)], { maxWaitMs: 60_000 }))
  const other = await RawClient.connect(cluster.portOf(1))
  const records = sequenced(producerId, producerEpoch, 0, 1, { attributes: 0x10 })
  other.send(produce, 12, produceTo('t', 0, records, { transactionalId: 'x' }))
  await cluster.waitFor(() => cluster.requests().length === 3)
  await cluster.close()
  await Promise.all([client.closed, other.closed])
  goOn()
  await expect.poll(() => answers.length).toBe(2)
  await Promise.all(answers)
  expect(cluster.partition('t', 0).logEndOffset).toBe(1n)
  await expect.poll(timers).toBe(0)
})

test('nothing is left after close, whatever was under way', async () => {
  const active = (): string[] =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => kind === 'Timeout' || kind.startsWith('TCP'))
      .toSorted()
  // Those of the tests before may take their time on a busy machine.
  await expect.poll(active, { timeout: 8000 }).toEqual([])
  const cluster = await TestCluster.start({ nodes: 3, topics: { t: 1 } })
  const leader = cluster.leaderOf('t', 0)
  const fetching = await RawClient.connect(cluster.portOf(leader))
  fetching.send(fetch, 12, fetchFrom('t', [fetchPartition(0, 0n)], { maxWaitMs: 60_000 }))
  const joining = await RawClient.connect(cluster.portOf(cluster.coordinatorOf('g')))
  joining.send(joinGroup, 3, joinOf('g'))
  await cluster.waitFor(() => cluster.requests().length === 2)
  cluster.pauseNode(1)
  await cluster.close()
  await cluster.close()
  await Promise.all([fetching.closed, joining.closed])
  await expect.poll(active).toEqual([])
})
