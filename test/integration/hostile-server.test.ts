// What a hostile or broken server can do to a client: each case ends in time with a typed error, and takes
// little memory. The client is a separate process, which says how much it grew.

import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { CompressionType } from '../../src/compression/codec.ts'
import { codecByName } from '../../src/compression/codecs.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { type FetchResponse, fetch } from '../../src/protocol/messages/fetch.ts'
import { type MetadataResponse, metadata } from '../../src/protocol/messages/metadata.ts'
import { saslAuthenticate } from '../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/messages/sasl-handshake.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { crc32c } from '../../src/records/crc32c.ts'
import { runNode } from '../harness/run-node.ts'
import { bodyOf, ScriptedServer, type ServerSide } from '../network/scripted-server.ts'
import { ensureBuilt, root } from './build.ts'

const MEBIBYTE = 1_048_576

const servers: ScriptedServer[] = []
beforeAll(() => ensureBuilt())
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(script: (side: ServerSide) => unknown): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(script)
  servers.push(server)
  return server
}

/** The client's program: connects, or reads one record, and says how that ended. */
const program = `
import { Kafka } from ${JSON.stringify(`${root}dist/index.js`)}
const [address, what, options] = process.argv.slice(1)
const silent = { debug() {}, info() {}, warn() {}, error() {} }
// What loading and a first failure take is not the server's doing.
const warm = new Kafka({ bootstrapServers: '127.0.0.1:1', logger: silent })
await warm.connect({ timeoutMs: 5000 }).catch(() => {})
await warm.close()
globalThis.gc()
const before = process.memoryUsage.rss()
let most = before
const timer = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()) }, 5)
const kafka = new Kafka({ bootstrapServers: address, logger: silent, ...JSON.parse(options) })
const startedAt = performance.now()
const ended = (error) => ({ name: error.name, code: error.code, retriable: error.retriable,
  message: error.message.slice(0, 2000), causes: String(error.cause?.message).slice(0, 500) })
let outcome
if (what === 'connect') outcome = await kafka.connect({ timeoutMs: 20000 }).then(() => 'connected', ended)
else {
  const consumer = kafka.consumer({ maxDecompressedBytes: 4 * 1048576 })
  consumer.assign([{ topic: 't', partition: 0, offset: 0n }])
  outcome = await consumer.records().next().then(() => 'read', ended)
}
const tookMs = performance.now() - startedAt
most = Math.max(most, process.memoryUsage.rss())
clearInterval(timer)
await kafka.close({ timeoutMs: 1000 }).catch(() => {})
console.log(JSON.stringify({ outcome, tookMs, grownMiB: (most - before) / 1048576 }))
`

interface Ended {
  outcome: { name: string; code: string; message: string; retriable: boolean; causes: string }
  tookMs: number
  grownMiB: number
}

async function client(
  server: ScriptedServer,
  what: 'connect' | 'read',
  options: object = {},
): Promise<Ended> {
  const flags = ['--expose-gc', '--input-type=module', '-e', program]
  const args = [...flags, server.address, what, JSON.stringify(options)]
  const { stdout, stderr } = await runNode(args, { timeoutMs: 100_000 })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

/** The socket is kept open behind the bytes. */
function bytes(...content: number[]): (side: ServerSide) => Promise<void> {
  return async (side) => {
    await side.next()
    side.write(Buffer.from(content))
  }
}

describe('in place of a response', () => {
  const text = (content: string): number[] => [...Buffer.from(content)]
  const hurried = { socketConnectionSetupTimeoutMs: 500, socketConnectionSetupTimeoutMaxMs: 500 }
  test.each<[string, (side: ServerSide) => unknown, object, RegExp]>([
    ['a size of 2 GiB', bytes(0x7f, 0xff, 0xff, 0xff, 1, 2), {}, /size prefix .*2147483647/],
    ['a negative size', bytes(0xff, 0xff, 0xff, 0xff), {}, /size prefix .*-1/],
    [
      'the largest size that is taken, and nothing',
      bytes(0, 0x10, 0, 0),
      hurried,
      /not ready within \d+ ms/,
    ],
    ['a size of three', bytes(0, 0, 0, 3, 1, 2, 3), {}, /at least 4 bytes/],
    ['a TLS alert', bytes(0x15, 3, 3, 0, 2, 2, 40), {}, /speaks TLS.*plaintext/],
    ['a web page', bytes(...text('HTTP/1.1 400 Bad Request\r\n\r\n')), {}, /HTTP server/],
    ['silence', (side) => side.next(), hurried, /not ready within \d+ ms/],
    ['nothing read at all', (side) => side.socket.pause(), hurried, /not ready within \d+ ms/],
    [
      'an end',
      async (side) => {
        await side.next()
        side.socket.end()
      },
      {},
      /may require TLS/,
    ],
    [
      'a reset',
      async (side) => {
        await side.next()
        side.reset()
      },
      {},
      /ECONNRESET|closed/,
    ],
    [
      'one byte each second',
      async (side) => {
        await side.next()
        while (!side.socket.destroyed) {
          side.write(Buffer.from([0]))
          await new Promise((resolve) => setTimeout(resolve, 1000))
        }
      },
      hurried,
      /not ready within \d+ ms|at least 4 bytes/,
    ],
    [
      'bytes without end',
      async (side) => {
        const { apiKey } = await side.next()
        expect(apiKey).toBe(apiVersions.key)
        side.write(Buffer.from([0, 0x0f, 0xff, 0xff]))
        const flood = Buffer.alloc(65_536, 0x7f)
        while (!side.socket.destroyed) {
          if (!side.socket.write(flood)) await once(side.socket, 'drain')
        }
      },
      hurried,
      /ApiVersions|correlation|not ready within|ECONNRESET|size prefix/,
    ],
  ])('%s', async (_, script, options, expected) => {
    const server = await serve(script)
    const { outcome, tookMs, grownMiB } = await client(server, 'connect', options)
    expect(outcome.message).toMatch(expected)
    expect(outcome.code).toMatch(/^ERR_KAFKA_(CONNECTION|TIMEOUT)$/)
    expect(tookMs).toBeLessThan(60_000)
    expect(grownMiB).toBeLessThan(10)
  })
})

describe('a false broker behind SCRAM', () => {
  const sasl = { mechanism: 'SCRAM-SHA-256', username: 'ann', password: 'secret' }
  const ranges: [number, number, number][] = [
    [17, 0, 1],
    [18, 0, 4],
    [36, 0, 2],
  ]
  const first = (nonce: string, iterations: string) => (message: string) =>
    `r=${/r=(.*)/.exec(message)?.[1]}${nonce},s=c2FsdHNhbHQ=,i=${iterations}`
  test.each<[string, ((message: string) => string)[], RegExp]>([
    [
      'a wrong signature',
      [first('x', '4096'), () => `v=${Buffer.alloc(32).toString('base64')}`],
      /signature is wrong.*may not be the broker/,
    ],
    ['no signature', [first('x', '4096'), () => ''], /signature is wrong/],
    ['one iteration', [first('x', '1')], /asks for 1 iterations/],
    ['ten billion iterations', [first('x', '9999999999')], /asks for 9999999999 iterations/],
    ['another nonce', [() => 'r=other,s=c2FsdA==,i=4096'], /nonce does not extend ours/],
    ['a megabyte', [() => 'x'.repeat(900_000)], /not of the form/],
    ['rounds without end', Array(20).fill(() => 'r=x'), /SCRAM-SHA-256/],
  ])('%s', async (_, replies, expected) => {
    const server = await serve(async (side) => {
      await side.handshake(ranges)
      const request = await side.next()
      side.answer(request, saslHandshake, { errorCode: 0, mechanisms: ['SCRAM-SHA-256'] })
      for (const reply of replies) {
        const round = await side.next()
        const { authBytes } = bodyOf(round, saslAuthenticate)
        side.answer(round, saslAuthenticate, {
          errorCode: 0,
          errorMessage: null,
          authBytes: Buffer.from(reply(authBytes.toString())),
          sessionLifetimeMs: 0n,
        })
      }
    })
    const { outcome, tookMs, grownMiB } = await client(server, 'connect', { sasl })
    expect(outcome.message).toMatch(expected)
    expect(outcome).toMatchObject({ code: 'ERR_KAFKA_AUTHENTICATION', retriable: false })
    expect(outcome.message).not.toContain('secret')
    expect(tookMs).toBeLessThan(30_000)
    expect(grownMiB).toBeLessThan(10)
  })
})

describe('a batch that decompresses to 64 MiB, where 4 MiB are allowed', () => {
  test.each<CompressionType>(['gzip', 'snappy', 'lz4', 'zstd'])('%s', async (name) => {
    const records = await bombOf(name)
    const server: ScriptedServer = await serve(async (side) => {
      await side.handshake([
        [1, 4, 11],
        [3, 0, 12],
        [18, 0, 4],
      ])
      for (;;) {
        const request = await side.next()
        if (request.apiKey === metadata.key) {
          side.answer(request, metadata, clusterOf(server.port))
        } else side.answer(request, fetch, fetched(records))
      }
    })
    const { outcome, tookMs, grownMiB } = await client(server, 'read')
    expect(`${outcome.message} ${outcome.causes}`).toMatch(new RegExp(`${name}|decompress`, 'i'))
    expect(outcome.code).toMatch(/^ERR_KAFKA_/)
    expect(outcome.retriable).toBe(false)
    expect(tookMs).toBeLessThan(30_000)
    // What the batch itself, its allowed output and the codec take.
    expect(grownMiB).toBeLessThan(10 + 4 + (2 * records.length) / MEBIBYTE)
  })
})

async function bombOf(name: CompressionType): Promise<Buffer> {
  const codec = codecByName(name)
  const content = await codec.compress(Buffer.alloc(64 * MEBIBYTE))
  const batch = Buffer.alloc(61)
  batch.writeInt32BE(49 + content.length, 8)
  batch[16] = 2
  batch.writeInt16BE(codec.id, 21)
  batch.writeBigInt64BE(-1n, 43)
  batch.writeInt16BE(-1, 51)
  batch.writeInt32BE(-1, 53)
  batch.writeInt32BE(1, 57)
  const whole = Buffer.concat([batch, content])
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17)
  return whole
}

function clusterOf(port: number): MetadataResponse {
  const partition = {
    errorCode: 0,
    partitionIndex: 0,
    leaderId: 1,
    leaderEpoch: 0,
    replicaNodes: [1],
    isrNodes: [1],
    offlineReplicas: [],
  }
  return {
    throttleTimeMs: 0,
    brokers: [{ nodeId: 1, host: '127.0.0.1', port, rack: null }],
    clusterId: 'hostile',
    controllerId: 1,
    topics: [
      {
        errorCode: 0,
        name: 't',
        topicId: ZERO_UUID,
        isInternal: false,
        partitions: [partition],
        topicAuthorizedOperations: -2147483648,
      },
    ],
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0,
  }
}

function fetched(records: Buffer): FetchResponse {
  const partition = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 1n,
    lastStableOffset: 1n,
    logStartOffset: 0n,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records,
    divergingEpoch: { epoch: -1, endOffset: -1n },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1n, epoch: -1 },
  }
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    sessionId: 0,
    responses: [{ topic: 't', topicId: ZERO_UUID, partitions: [partition] }],
    nodeEndpoints: [],
  }
}
