// `kafkawire produce`: lines of standard input, or whole files, to records, as kafka-console-producer does.

import { createReadStream, fstatSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { settled } from '../../admin/engine.ts'
import type { CompressionType } from '../../compression/codec.ts'
import { compressionTypes } from '../../compression/codec.ts'
import { BrokerError, KafkaError, toKafkaError } from '../../errors.ts'
import { resolveKafkaOptions } from '../../options/kafka-options.ts'
import { type ProducerOptions, resolveProducerOptions } from '../../producer/options.ts'
import type { Producer } from '../../producer/producer.ts'
import type { ProducerRecord } from '../../producer/record.ts'
import { atLeast, clusterCommand, collect, oneOf, onRun, required, topicName } from '../command.ts'
import { failureText, UsageError } from '../failures.ts'
import { whole } from '../format.ts'
import { checkInputFile } from '../input-files.ts'
import { type LineParser, lineFormat, lineParser } from '../line-parser.ts'
import { lineGroups } from '../lines.ts'
import { Progress } from '../progress.ts'
import { addProperties } from '../properties.ts'
import type { Session } from '../session.ts'

interface ProduceOptions {
  topic?: string
  partition?: number
  key?: string
  header?: string[]
  property?: string[]
  readerProperty?: string[]
  keyDelimiter?: string
  delimiter?: string
  inputFormat: 'lines' | 'json'
  sync?: boolean
  requestRequiredAcks?: string
  compressionCodec?: CompressionType | true
  compressionType?: CompressionType
  batchSize?: number
  maxPartitionMemoryBytes?: number
  maxMemoryBytes?: number
  maxBlockMs?: number
  messageSendMaxRetries?: number
  requestTimeoutMs?: number
  retryBackoffMs?: number
  metadataExpiryMs?: number
  linger?: number
  timeout?: number
}

/** As many failures as are shown one by one. */
const SHOWN_FAILURES = 10
/** How long brokers may take to create a topic that does not exist. */
const AUTO_CREATION_MS = 5000

export function addProduce(program: Command): void {
  const command = clusterCommand(program, 'produce', {
    summary: 'Write the lines of standard input, or whole files, to a topic',
    script: 'kafka-console-producer',
    description:
      'Each line is a record, with every byte but the line feed. Files that are named are a record each. It ends when every record is acknowledged; Ctrl-C writes what was read and ends.',
    examples: [
      { text: 'Write lines', command: 'kafkawire produce --topic orders < orders.txt' },
      {
        text: 'With keys, before the first colon',
        command: "echo 'k1:v1' | kafkawire produce --topic orders --key-delimiter :",
      },
      { text: 'Each file a record', command: 'kafkawire produce --topic images *.png' },
      {
        text: 'Copy a topic with keys and headers',
        command:
          'kafkawire consume --topic a --from-beginning --exit --json | kafkawire produce --topic b --input-format json',
      },
    ],
  })
    .argument('[files...]', 'files, each of which is one record')
    .option('--topic <name>', 'the topic', topicName)
    .option('--partition <n>', 'write to this partition (default: by key)', atLeast(0))
    .option('--key <text>', 'the key of every record')
    .option('--header <name=value>', 'a header of every record; can be repeated', collect)
    .option(
      '--property <key=value>',
      'parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, headers.key.separator, ignore.error, null.marker; can be repeated',
      collect,
    )
    .option('--reader-property <key=value>', 'the same as --property', collect)
    .option('--key-delimiter <text>', 'lines are a key, this text, and a value')
    .option('--delimiter <text>', "what ends a record in the input, such as '\\r\\n'", '\n')
    .option('--input-format <format>', 'lines or json', oneOf(['lines', 'json']), 'lines')
    .option('--sync', 'wait for each record before the next is read')
    .option('--request-required-acks <n>', '-1 or all, 1, 0')
    .option('--compression-codec [codec]', 'gzip, snappy, lz4, zstd, none', oneOf(compressionTypes))
    .option('--compression-type <codec>', 'the same', oneOf(compressionTypes))
    .option('--batch-size <bytes>', 'size of a batch', atLeast(1))
    .option('--max-partition-memory-bytes <bytes>', 'the same', atLeast(1))
    .option(
      '--max-memory-bytes <bytes>',
      'memory for records that are not acknowledged',
      atLeast(1),
    )
    .option('--linger <ms>', 'how long a batch waits for more records', atLeast(0))
    .option('--timeout <ms>', 'the same', atLeast(0))
    .option('--max-block-ms <ms>', 'how long to wait for metadata or memory', atLeast(0))
    .option('--message-send-max-retries <n>', 'how often a batch is sent again', atLeast(0))
    .option('--request-timeout-ms <ms>', 'how long a request may take', atLeast(1))
    .option('--retry-backoff-ms <ms>', 'the pause before another attempt', atLeast(0))
    .option('--metadata-expiry-ms <ms>', 'after which time metadata is asked for again', atLeast(1))
    .option(
      '--producer-property <key=value>',
      "a property of Java's producer; can be repeated",
      collect,
    )
    .option('--producer-config <file>', "properties of Java's producer")
  command.option('--producer.config <file>', 'the same').hook('preAction', () => {
    const dotted: unknown = command.getOptionValue('producer.config')
    if (typeof dotted === 'string') command.setOptionValue('producerConfig', dotted)
  })
  onRun<ProduceOptions>(command, run)
}

async function run(
  session: Session,
  options: ProduceOptions,
  files: readonly string[],
): Promise<void> {
  const topic = required(options.topic, '--topic', 'produce')
  const shared = sharedFields(topic, options)
  const delimiter = unescaped(options.delimiter ?? '\n')
  if (delimiter === '') throw new UsageError('--delimiter must not be empty.')
  const parse = parserOf(options)
  for (const file of files) checkInputFile(file)
  // Node takes it for an empty input.
  if (files.length === 0 && fstatSync(0).isDirectory()) {
    throw new UsageError('Standard input cannot be read: it is a directory.')
  }
  const chosen = { ...session.producerOptions, ...producerOptions(options) }
  resolveProducerOptions(chosen, resolveKafkaOptions(session.kafkaOptions))
  const outcome = new Outcome()
  const limits = await blockLimit(session, options, topic)
  const producer = (await session.openKafka()).producer({
    ...chosen,
    ...limits,
    onDelivery: (error, _, number) => {
      // Those of --sync have no number here: they are counted where they are awaited.
      if (typeof number === 'number') outcome.delivered(error, number)
    },
  })
  try {
    if (files.length > 0) await sendFiles(session, producer, shared, files)
    else
      await sendLines(session, producer, {
        shared,
        parse,
        delimiter,
        outcome,
        isSync: options.sync === true,
      })
  } catch (error) {
    // What was read before a line that is wrong is written, and the person is told how much that is.
    await producer.flush().catch(() => {})
    outcome.tellWritten(session)
    throw error
  }
  await producer.flush()
  outcome.finish(session)
}

/** A topic that does not exist may be created by the brokers; if not, the first record soon says so. */
async function blockLimit(
  session: Session,
  { maxBlockMs }: ProduceOptions,
  topic: string,
): Promise<ProducerOptions> {
  if (maxBlockMs !== undefined || session.producerOptions.maxBlockMs !== undefined) return {}
  // Not `session.limits`: --timeout means something else here.
  const { signal } = session
  const [{ error }] = await settled(session.admin.describeTopics([topic], { signal }))
  if (error === null) return {}
  if (!(error instanceof BrokerError) || error.codeName !== 'UNKNOWN_TOPIC_OR_PARTITION')
    throw error
  return { maxBlockMs: AUTO_CREATION_MS }
}

/** What every record has. */
function sharedFields(topic: string, options: ProduceOptions): ProducerRecord {
  const headers = (options.header ?? []).map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`--header ${text}: expected name=value.`)
    return { key: text.slice(0, at), value: text.slice(at + 1) }
  })
  const { partition, key } = options
  return {
    topic,
    value: null,
    ...(key === undefined ? {} : { key }),
    ...(partition === undefined ? {} : { partition }),
    ...(headers.length === 0 ? {} : { headers }),
  }
}

async function sendFiles(
  session: Session,
  producer: Producer,
  shared: ProducerRecord,
  files: readonly string[],
): Promise<void> {
  for (const [i, file] of files.entries()) {
    session.signal.throwIfAborted()
    const value = await readFile(file)
    if (!producer.enqueue({ ...shared, value }, i + 1)) await producer.drained()
  }
}

/** @throws UsageError for properties that the line reader does not have */
function parserOf(options: ProduceOptions): LineParser {
  const properties = new Map<string, string>()
  addProperties(properties, options.property ?? [], '--property')
  addProperties(properties, options.readerProperty ?? [], '--reader-property')
  const format = lineFormat(properties)
  if (options.keyDelimiter !== undefined) {
    format.parseKey = true
    format.keySeparator = unescaped(options.keyDelimiter)
  }
  format.json = options.inputFormat === 'json'
  return lineParser(format)
}

interface LinesToSend {
  shared: ProducerRecord
  parse: LineParser
  delimiter: string
  outcome: Outcome
  isSync: boolean
}

async function sendLines(
  session: Session,
  producer: Producer,
  { shared, parse, delimiter, outcome, isSync }: LinesToSend,
): Promise<void> {
  const stdin = fstatSync(0)
  const progress = new Progress('written', null, stdin.isFile() ? stdin.size : null)
  const isPlain = Object.keys(shared).length === 2
  const { topic } = shared
  let number = 0
  let bytes = 0
  try {
    for await (const group of input(session, delimiter)) {
      for (const line of group) {
        number++
        bytes += line.length
        const parsed = parse(line, number)
        const record = isPlain ? { topic, ...parsed } : { ...shared, ...parsed }
        if (isSync) {
          await producer.send(record).then(
            () => outcome.delivered(null, number),
            (error: unknown) => outcome.delivered(toKafkaError(error, 'send()'), number),
          )
        } else if (!producer.enqueue(record, number)) await producer.drained()
      }
      progress.update(outcome.acknowledged, bytes)
      if (session.signal.aborted) break
    }
  } finally {
    progress.clear()
  }
}

/** Lines of standard input, in groups; typed ones one by one, behind a prompt. */
async function* input(session: Session, delimiter: string): AsyncIterable<Buffer[]> {
  const { stdin } = process
  if (stdin.isTTY) {
    const reader = createInterface({ input: stdin, output: process.stderr, prompt: '>' })
    session.signal.addEventListener('abort', () => reader.close())
    reader.on('SIGINT', () => reader.close())
    reader.prompt()
    for await (const line of reader) {
      yield [Buffer.from(line)]
      reader.prompt()
    }
    return
  }
  const isFile = fstatSync(0).isFile()
  const stream = isFile
    ? createReadStream('', { fd: 0, autoClose: false, highWaterMark: 1024 * 1024 })
    : stdin
  // Ctrl-C ends the input: what was read is still written.
  const stop = (): void => void stream.destroy()
  session.signal.addEventListener('abort', stop)
  try {
    yield* lineGroups(stream, delimiter)
  } catch (error) {
    if (!session.signal.aborted) throw error
  } finally {
    session.signal.removeEventListener('abort', stop)
  }
}

/** Counts what became of the records, and shows the first failures. */
class Outcome {
  acknowledged = 0
  private failed = 0

  delivered(error: KafkaError | null, number: number): void {
    if (error === null) {
      this.acknowledged++
      return
    }
    this.failed++
    if (this.failed <= SHOWN_FAILURES) {
      const text = failureText(error, { json: false, debug: false })
      process.stderr.write(`Record ${number}: ${text.replace(/^Error: /, '')}\n`)
    }
  }

  /** How much is written of an input that could not be read to its end. */
  tellWritten({ out }: Session): void {
    out.object({ written: this.acknowledged, failed: this.failed })
    if (!out.json)
      process.stderr.write(`Records written before that: ${whole(this.acknowledged)}\n`)
  }

  finish({ out }: Session): void {
    out.object({ written: this.acknowledged, failed: this.failed })
    if (this.failed > 0) {
      const all = this.failed + this.acknowledged
      throw new KafkaError(`${whole(this.failed)} of ${whole(all)} records were not written.`)
    }
    if (process.stderr.isTTY) process.stderr.write(`${whole(this.acknowledged)} records written.\n`)
  }
}

function producerOptions(options: ProduceOptions): ProducerOptions {
  const chosen: ProducerOptions = {}
  const { compressionCodec, compressionType = compressionCodec } = options
  const acks = options.requestRequiredAcks
  if (acks !== undefined) {
    const value = acks === 'all' ? -1 : Number(acks)
    if (value !== -1 && value !== 0 && value !== 1) {
      throw new UsageError(`--request-required-acks ${acks}: expected -1, all, 1 or 0.`)
    }
    chosen.acks = value
    if (value !== -1) chosen.enableIdempotence = false
  }
  // As Kafka's script, the flag without a codec means gzip.
  if (compressionType !== undefined) {
    chosen.compressionType = compressionType === true ? 'gzip' : compressionType
  }
  const batchSize = options.maxPartitionMemoryBytes ?? options.batchSize
  if (batchSize !== undefined) chosen.batchSize = batchSize
  if (options.maxMemoryBytes !== undefined) chosen.bufferMemory = options.maxMemoryBytes
  const linger = options.linger ?? options.timeout
  if (linger !== undefined) chosen.lingerMs = linger
  if (options.maxBlockMs !== undefined) chosen.maxBlockMs = options.maxBlockMs
  if (options.messageSendMaxRetries !== undefined) chosen.retries = options.messageSendMaxRetries
  if (options.requestTimeoutMs !== undefined) chosen.requestTimeoutMs = options.requestTimeoutMs
  if (options.retryBackoffMs !== undefined) chosen.retryBackoffMs = options.retryBackoffMs
  return chosen
}

/** `\t`, `\n`, `\0` and `\xHH`, as people type them. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(x[0-9a-fA-F]{2}|[tnr0\\])/g, (_, code: string) => {
    if (code.startsWith('x')) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return { t: '\t', n: '\n', r: '\r', '0': '\0', '\\': '\\' }[code] ?? code
  })
}
