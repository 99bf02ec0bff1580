// The producer as the end of a pipe: a Node Writable and a Web WritableStream. A chunk is a record, or what
// `toRecord` makes one of. Backpressure is the memory budget; a record that fails fails the stream.

import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import { lazyNode } from '../lazy-node.ts'
import { readKeys, readProperty } from '../read-argument.ts'
import { checkTopicName } from '../topic-partition.ts'
import type { RecordData } from '../types.ts'
import type { ProducerRecord } from './record.ts'
import type { RecordMetadata } from './record-metadata.ts'

/** What the streams need of a producer. */
export interface RecordSink {
  sendBatch(records: Iterable<ProducerRecord>): Promise<RecordMetadata[]>
}

/** How a stream makes records of its chunks. */
export interface WritableOptions<Chunk> {
  /** Where plain chunks go: each string or Uint8Array is the value of a record. */
  topic?: string
  /** Makes a record of each chunk; takes the place of `topic`. */
  toRecord?: (chunk: Chunk) => ProducerRecord
  /** Chunks that may be on their way before the source is asked to wait. Default: 1000. */
  highWaterMark?: number
}

/** A Node stream whose chunks are produced. `finish` comes when all of them are acknowledged. */
export function nodeWritable<Chunk>(sink: RecordSink, options: WritableOptions<Chunk>): Writable {
  const { highWaterMark, toRecord } = readStreamOptions('writable()', options)
  const under = new InFlight(sink, toRecord, highWaterMark)
  return new lazyNode.stream.Writable({
    objectMode: true,
    decodeStrings: false,
    highWaterMark,
    writev: (chunks, done) => {
      under.send(chunks.map(({ chunk }: { chunk: Chunk }) => chunk)).then(() => done(), done)
    },
    final: (done) => {
      under.drained().then(() => done(), done)
    },
  })
}

/** A Web stream whose chunks are produced. It closes when all of them are acknowledged. */
export function webWritable<Chunk>(
  sink: RecordSink,
  options: WritableOptions<Chunk>,
): WritableStream<Chunk> {
  const { highWaterMark, toRecord } = readStreamOptions('writableStream()', options)
  const under = new InFlight(sink, toRecord, highWaterMark)
  return new lazyNode.streamWeb.WritableStream<Chunk>(
    {
      write: (chunk) => under.send([chunk]),
      close: () => under.drained(),
    },
    { highWaterMark },
  )
}

/** Records on their way: the next are taken while there are few enough, and one failure ends it. */
class InFlight<Chunk> {
  private readonly sink: RecordSink
  private readonly toRecord: (chunk: Chunk) => ProducerRecord
  private readonly most: number
  private records = 0
  private failure: { error: unknown } | null = null
  private readonly waiting: (() => void)[] = []

  constructor(sink: RecordSink, toRecord: (chunk: Chunk) => ProducerRecord, most: number) {
    this.sink = sink
    this.toRecord = toRecord
    this.most = most
  }

  /** Settles when more may come. */
  async send(chunks: readonly Chunk[]): Promise<void> {
    const records = chunks.map(this.toRecord)
    this.records += records.length
    this.sink.sendBatch(records).then(
      () => this.done(records.length),
      (error: unknown) => {
        this.failure ??= { error }
        this.done(records.length)
      },
    )
    await this.until(() => this.records < this.most)
  }

  /** Settles when all are acknowledged. */
  drained(): Promise<void> {
    return this.until(() => this.records === 0)
  }

  private async until(condition: () => boolean): Promise<void> {
    while (this.failure === null && !condition()) {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    if (this.failure !== null) throw this.failure.error
  }

  private done(count: number): void {
    this.records -= count
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

const optionNames = ['topic', 'toRecord', 'highWaterMark']

/** @throws {InvalidArgumentError} for an option that is unknown, or not what it may be */
function readStreamOptions<Chunk>(
  call: string,
  options: WritableOptions<Chunk>,
): { highWaterMark: number; toRecord: (chunk: Chunk) => ProducerRecord } {
  const wrong = (what: string, expected: string, value: unknown): InvalidArgumentError =>
    new InvalidArgumentError(`${call}: ${what} must be ${expected}, got ${describeValue(value)}`)
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw wrong('the options', `an object of ${optionNames.join(', ')}`, options)
  }
  const unknown = readKeys(call, options).find((name) => !optionNames.includes(name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `${call}: unknown option "${unknown}". It takes ${optionNames.join(', ')}`,
    )
  }
  const topic = readProperty(call, options, 'topic')
  const toRecord = readProperty(call, options, 'toRecord')
  const given = readProperty(call, options, 'highWaterMark')
  const highWaterMark = given === undefined ? 1000 : given
  if (topic !== undefined) checkTopicName(topic, call)
  if (toRecord !== undefined && typeof toRecord !== 'function') {
    throw wrong("option 'toRecord'", 'a function (chunk) => record', toRecord)
  }
  const isCount = typeof highWaterMark === 'number' && Number.isSafeInteger(highWaterMark)
  if (!isCount || highWaterMark < 1) {
    throw wrong("option 'highWaterMark'", 'a whole number from 1', highWaterMark)
  }
  return {
    highWaterMark,
    toRecord: recordMaker(topic, toRecord as WritableOptions<Chunk>['toRecord']),
  }
}

function recordMaker<Chunk>(
  topic: string | undefined,
  toRecord: WritableOptions<Chunk>['toRecord'],
): (chunk: Chunk) => ProducerRecord {
  if (toRecord !== undefined) return toRecord
  return (chunk) => {
    if (isRecord(chunk)) return chunk
    if (topic !== undefined && isBytes(chunk)) return { topic, value: chunk }
    throw new InvalidArgumentError(
      'a chunk written to the producer must be a record { topic, value }, or with the option topic a string or a Uint8Array: give toRecord for others',
    )
  }
}

function isRecord(chunk: unknown): chunk is ProducerRecord {
  return typeof chunk === 'object' && chunk !== null && 'topic' in chunk && 'value' in chunk
}

function isBytes(chunk: unknown): chunk is RecordData {
  return typeof chunk === 'string' || chunk instanceof Uint8Array
}
