// npm run bench -- codec: what bytes cost without a network. Times are the CPU's (user and system, garbage
// collection and codec threads included), which holds on a busy machine; medians of rounds that take turns.
// Everything by the public door, but for the list of CRC implementations.

import {
  apiByName,
  BatchBuilder,
  codecByName,
  compressionTypes,
  decodeResponse,
  encodeRequestFrame,
  encodeResponse,
  noProducer,
  RecordsReader,
  rawSource,
} from 'kafkawire/protocol'
import { crc32cCandidates } from '../dist/esm/crc32c.js'

const rounds = 9
const roundMs = 60

/** Keeps results from being optimised away. */
let sink = 0

/** CPU time of this process so far, ns. */
function cpuTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/**
 * Median ns per unit of each case. A case is `{ run, units }`: `run` does `units` units of work at once,
 * or is async and then awaited.
 */
async function measure(cases) {
  const lines = cases.map((one) => ({ ...one, times: [], repeats: 1 }))
  for (const line of lines) {
    // Long enough for the optimising compiler, and to know how often a round has to repeat it.
    let done = 0
    const start = performance.now()
    while (performance.now() - start < 4 * roundMs) {
      await line.run()
      done++
    }
    line.repeats = Math.max(1, Math.round(done / 4))
  }
  for (let round = 0; round < rounds; round++) {
    for (const line of lines) {
      const start = cpuTime()
      for (let i = 0; i < line.repeats; i++) {
        const pending = line.run()
        if (pending !== undefined) await pending
      }
      line.times.push((cpuTime() - start) / line.repeats / line.units)
    }
  }
  return lines.map(({ times }) => times.sort((a, b) => a - b)[times.length >> 1])
}

function table(title, columns, rows) {
  console.log(`\n### ${title}`)
  console.log(`| ${columns.join(' | ')} |`)
  console.log(`|${columns.map((_, i) => (i === 0 ? ' --- ' : ' ---: ')).join('|')}|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}

const text = (length) => 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(40).slice(0, length)
const sizes = [100, 1024]
const batchSizes = [16 * 1024, 1024 * 1024]
const noHeaders = []
const twoHeaders = [
  { key: 'trace-id', value: Buffer.from('4bf92f3577b34da6') },
  { key: 'content-type', value: Buffer.from('application/json') },
]
const now = Date.now()

/** Fills and finishes one batch of `value`; its bytes and how many records it has. */
function build(value, batchSize, headers = noHeaders) {
  const builder = new BatchBuilder(batchSize, batchSize)
  const size = value.length + 160
  while (builder.hasRoomFor(size)) builder.append(null, value, headers, now)
  builder.seal('none')
  return { bytes: builder.stamp(noProducer), count: builder.count }
}

async function building() {
  const kinds = {
    Buffer: { make: Buffer.from, headers: noHeaders },
    string: { make: (value) => value, headers: noHeaders },
    'Buffer, two headers': { make: Buffer.from, headers: twoHeaders },
  }
  const cases = []
  for (const size of sizes) {
    for (const [kind, { make, headers }] of Object.entries(kinds)) {
      for (const batchSize of batchSizes) {
        const value = make(text(size))
        cases.push({
          label: [`${size} B ${kind}`, batchSize],
          units: build(value, batchSize, headers).count,
          run() {
            sink += build(value, batchSize, headers).bytes.length
          },
        })
      }
    }
  }
  const ns = await measure(cases)
  const rows = new Map()
  for (const [i, { label }] of cases.entries()) {
    rows.set(label[0], [...(rows.get(label[0]) ?? []), ns[i].toFixed(0)])
  }
  table(
    'Build a batch, ns per record (append, header, CRC; no compression)',
    ['value', 'batches of 16 KiB', 'batches of 1 MiB'],
    [...rows].map(([name, values]) => [name, ...values]),
  )
}

const raw = rawSource('bench', 0)
const asText = { ...raw, decodeValue: (bytes) => bytes.toString() }
const readOptions = { checkCrcs: true, maxDecompressedBytes: 2 ** 29 }

const readers = {
  'cursor only': (bytes) => {
    const batch = new RecordsReader(bytes, raw, readOptions).nextBatch()
    batch.open()
    while (batch.advance()) sink += batch.valueLength
  },
  'record object': (bytes) => {
    const batch = new RecordsReader(bytes, raw, readOptions).nextBatch()
    batch.open()
    for (let record = batch.next(); record !== null; record = batch.next()) {
      sink += record.valueSize
    }
  },
  'value as Buffer': (bytes) => {
    const batch = new RecordsReader(bytes, raw, readOptions).nextBatch()
    batch.open()
    for (let record = batch.next(); record !== null; record = batch.next()) {
      sink += record.value.length
    }
  },
  'value as string': (bytes) => {
    const batch = new RecordsReader(bytes, asText, readOptions).nextBatch()
    batch.open()
    for (let record = batch.next(); record !== null; record = batch.next()) {
      sink += record.value.length
    }
  },
  'value as Buffer, two headers': (bytes) => {
    const batch = new RecordsReader(bytes, raw, readOptions).nextBatch()
    batch.open()
    for (let record = batch.next(); record !== null; record = batch.next()) {
      sink += record.value.length
      for (const { key, value } of record.headers) sink += key.length + value.length
    }
  },
}

async function reading() {
  const cases = []
  for (const name of Object.keys(readers)) {
    for (const size of sizes) {
      const headers = name.endsWith('headers') ? twoHeaders : noHeaders
      const { bytes, count } = build(Buffer.from(text(size)), 1024 * 1024, headers)
      cases.push({ units: count, run: () => readers[name](bytes) })
    }
  }
  const ns = await measure(cases)
  table(
    'Read a batch of 1 MiB, ns per record (CRC checked; no compression)',
    ['what is asked of a record', ...sizes.map((size) => `${size} B`)],
    Object.keys(readers).map((name, i) => [name, ns[2 * i].toFixed(0), ns[2 * i + 1].toFixed(0)]),
  )
}

/** Content as services send it: like documents with unlike numbers. */
function documents(length) {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return seed
  }
  const parts = []
  for (let size = 0; size < length; ) {
    const part = `{"id":${random()},"customer":"c-${random() % 10000}","total":${(random() % 100000) / 100},"status":"${['open', 'paid', 'sent'][random() % 3]}"}`
    parts.push(part)
    size += part.length
  }
  return Buffer.from(parts.join('')).subarray(0, length)
}

const megabytes = (ns) => (1000 / ns).toFixed(0)

async function compression() {
  const names = compressionTypes.filter((name) => name !== 'none')
  const lengths = [16 * 1024, 1024 * 1024]
  const cases = []
  for (const name of names) {
    const codec = codecByName(name)
    for (const length of lengths) {
      const plain = documents(length)
      const packed = await codec.compress(plain)
      const note = (bytes) => {
        sink += bytes.length
      }
      const noted = (result) => (result instanceof Uint8Array ? note(result) : result.then(note))
      cases.push({ ratio: length / packed.length })
      cases.at(-1).units = length
      cases.at(-1).run = () => noted(codec.compress(plain))
      cases.push({ units: length, run: () => noted(codec.decompress(packed, 2 ** 29)) })
    }
  }
  const ns = await measure(cases)
  table(
    'Compression, MB/s of uncompressed bytes (JSON documents, one after the other)',
    ['codec', 'compress 16 KiB', '1 MiB', 'ratio', 'decompress 16 KiB', '1 MiB'],
    names.map((name, i) => [
      name,
      megabytes(ns[4 * i]),
      megabytes(ns[4 * i + 2]),
      cases[4 * i + 2].ratio.toFixed(1),
      megabytes(ns[4 * i + 1]),
      megabytes(ns[4 * i + 3]),
    ]),
  )
}

async function checksums() {
  const lengths = [64, 1024, 16 * 1024, 1024 * 1024]
  const candidates = crc32cCandidates()
  const cases = candidates.flatMap(([, compute]) =>
    lengths.map((length) => {
      const bytes = documents(length)
      return {
        units: length,
        run() {
          sink += compute(bytes)
        },
      }
    }),
  )
  const ns = await measure(cases)
  table(
    'CRC-32C, MB/s (the first line is in use)',
    ['implementation', '64 B', '1 KiB', '16 KiB', '1 MiB'],
    candidates.map(([name], i) => [
      name,
      ...lengths.map((_, j) => megabytes(ns[i * lengths.length + j])),
    ]),
  )
}

const range = (count) => Array.from({ length: count }, (_, index) => index)
const topicId = 'b8RLfyDHTZ-o6Sx0pJtJjw'
const records = build(Buffer.from(text(100)), 16 * 1024).bytes

/** Topics of ten partitions each. */
function metadataResponse(topics) {
  const api = apiByName('Metadata')
  const partition = { leaderId: 1, leaderEpoch: 3, replicaNodes: [1, 2, 3], isrNodes: [1, 2, 3] }
  const topic = (index) => ({
    name: `topic-${index}`,
    topicId,
    partitions: range(10).map((partitionIndex) => ({ ...partition, partitionIndex })),
  })
  const message = api.response({ topics: range(topics).map(topic) })
  return encodeResponse(api, api.maxVersion, message)
}

const frames = {
  'Produce request, encode': (partitions) => {
    const api = apiByName('Produce')
    return () => {
      const request = {
        transactionalId: null,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [
          {
            name: '',
            topicId,
            partitionData: range(partitions).map((index) => ({ index, records })),
          },
        ],
      }
      sink += encodeRequestFrame(api, api.maxVersion, 1, 'bench', request).length
    }
  },
  'Produce response, decode': (partitions) => {
    const api = apiByName('Produce')
    const partition = (index) => ({
      index,
      errorCode: 0,
      baseOffset: 1_000_000n,
      logAppendTimeMs: -1n,
      logStartOffset: 0n,
      recordErrors: [],
      errorMessage: null,
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
    })
    const bytes = encodeResponse(api, api.maxVersion, {
      responses: [{ name: '', topicId, partitionResponses: range(partitions).map(partition) }],
      throttleTimeMs: 0,
      nodeEndpoints: [],
    })
    return () => {
      sink += decodeResponse(api, api.maxVersion, bytes).message.responses.length
    }
  },
  'Fetch request, encode': (partitions) => {
    const api = apiByName('Fetch')
    const partition = (index) => ({
      partition: index,
      currentLeaderEpoch: 7,
      fetchOffset: 1_000_000n,
      lastFetchedEpoch: -1,
      logStartOffset: -1n,
      partitionMaxBytes: 1024 * 1024,
      replicaDirectoryId: 'AAAAAAAAAAAAAAAAAAAAAA',
      highWatermark: 9_223_372_036_854_775_807n,
    })
    return () => {
      const request = {
        clusterId: null,
        replicaId: -1,
        replicaState: { replicaId: -1, replicaEpoch: -1n },
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 52_428_800,
        isolationLevel: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{ topic: '', topicId, partitions: range(partitions).map(partition) }],
        forgottenTopicsData: [],
        rackId: '',
      }
      sink += encodeRequestFrame(api, api.maxVersion, 1, 'bench', request).length
    }
  },
  'Metadata response, decode': (partitions) => {
    const bytes = metadataResponse(partitions)
    const api = apiByName('Metadata')
    return () => {
      sink += decodeResponse(api, api.maxVersion, bytes).message.topics.length
    }
  },
  'Metadata response, refuse (cut)': (partitions) => {
    const whole = metadataResponse(partitions)
    const bytes = whole.subarray(0, whole.length - 20)
    const api = apiByName('Metadata')
    return () => {
      try {
        decodeResponse(api, api.maxVersion, bytes)
      } catch (error) {
        sink += error.field.length
      }
    }
  },
  'Fetch response, decode': (partitions) => {
    const api = apiByName('Fetch')
    const partition = (index) => ({
      partitionIndex: index,
      errorCode: 0,
      highWatermark: 1_000_000n,
      lastStableOffset: 1_000_000n,
      logStartOffset: 0n,
      divergingEpoch: { epoch: -1, endOffset: -1n },
      currentLeader: { leaderId: -1, leaderEpoch: -1 },
      snapshotId: { endOffset: -1n, epoch: -1 },
      abortedTransactions: null,
      preferredReadReplica: -1,
      records,
    })
    const bytes = encodeResponse(api, api.maxVersion, {
      throttleTimeMs: 0,
      errorCode: 0,
      sessionId: 0,
      responses: [{ topic: '', topicId, partitions: range(partitions).map(partition) }],
      nodeEndpoints: [],
    })
    return () => {
      sink += decodeResponse(api, api.maxVersion, bytes).message.responses.length
    }
  },
}

async function messages() {
  const counts = [1, 10, 100]
  const cases = Object.values(frames).flatMap((make) =>
    counts.map((count) => ({ units: 1, run: make(count) })),
  )
  const ns = await measure(cases)
  table(
    'Messages of the newest version, ns each (16 KiB of records a partition, by reference)',
    ['message', ...counts.map((count) => `${count} partition${count === 1 ? '' : 's'}`)],
    Object.keys(frames).map((name, i) => [
      name,
      ...counts.map((_, j) => ns[i * counts.length + j].toFixed(0)),
    ]),
  )
}

/** Prints all tables. */
export async function runCodecs() {
  console.log(`Node ${process.versions.node}, CPU time, medians of ${rounds} rounds`)
  await building()
  await reading()
  await compression()
  await checksums()
  await messages()
  if (sink === 0) throw new Error('nothing was measured')
}
