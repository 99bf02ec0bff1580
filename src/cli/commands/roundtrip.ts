// `kafkawire roundtrip`: writes records, reads them back, says what that cost and whether all is well.

import { type Command, InvalidArgumentError } from 'commander'
import { preciseMs, wallMs } from '../../async/clock.ts'
import { type CompressionType, compressionTypes } from '../../compression/codec.ts'
import { KafkaError } from '../../errors.ts'
import { Kafka } from '../../kafka.ts'
import { resolveKafkaOptions } from '../../options/kafka-options.ts'
import { startBrokerProcess } from '../broker-process.ts'
import { atLeast, recordSize, topicName } from '../command.ts'
import { Interrupted } from '../failures.ts'
import { bytes, table, whole } from '../format.ts'
import { checkInputFile } from '../input-files.ts'
import { generatedRecords, inputRecords } from '../record-source.ts'
import {
  ensureTopic,
  type Measured,
  type RoundtripResult,
  removeTopic,
  roundtrip,
} from '../roundtrip.ts'

interface RoundtripOptions {
  input?: string
  count?: number
  size: number
  compression: CompressionType
  bootstrapServer?: string
  topic?: string
}

const PARTITIONS = 6
const DEFAULT_COUNT = 1_000_000
/** A cluster responds within this time (ms), or the command says why it does not. */
const REACH_MS = 8000

export function addRoundtrip(program: Command): void {
  program
    .command('roundtrip')
    .description('write records, read them back, compare each, and show what it cost')
    .option(
      '--input <file>',
      "each line is a record; '-': standard input (default: generated events)",
    )
    .option(
      '--count <n>',
      `how many records at most (default: ${DEFAULT_COUNT}, or the whole input)`,
      atLeast(1),
    )
    .option('--size <bytes>', 'bytes of a generated record', recordSize, 100)
    .option('--compression <type>', compressionTypes.join(', '), compression, 'none')
    .option(
      '--bootstrap-server <host:port>',
      'a cluster to use (default: a broker in a child process)',
    )
    .option(
      '--topic <name>',
      `made with ${PARTITIONS} partitions if it is not there (default: a new one, deleted at the end)`,
      topicName,
    )
    .action(run)
}

async function run(options: RoundtripOptions): Promise<void> {
  const { input, bootstrapServer } = options
  if (input !== undefined && input !== '-') checkInputFile(input)
  if (bootstrapServer !== undefined) resolveKafkaOptions({ bootstrapServers: bootstrapServer })
  const broker = bootstrapServer === undefined ? await startBrokerProcess() : null
  const end = new AbortController()
  const interrupt = (): void => {
    if (end.signal.aborted) process.exit(130)
    end.abort(new Interrupted(false))
  }
  // Of a broker that ends with this process there is nothing to clean up.
  const signals = broker === null ? (['SIGINT', 'SIGTERM'] as const) : []
  for (const name of signals) process.on(name, interrupt)
  try {
    const servers = bootstrapServer ?? broker?.bootstrapServers ?? ''
    await runAgainst(options, servers, end.signal)
  } finally {
    for (const name of signals) process.off(name, interrupt)
    await broker?.stop()
  }
}

async function runAgainst(
  options: RoundtripOptions,
  bootstrapServers: string,
  signal: AbortSignal,
): Promise<void> {
  const kafka = new Kafka({ bootstrapServers, clientId: 'kafkawire-roundtrip' })
  const topic = options.topic ?? `kafkawire-roundtrip-${wallMs()}-${process.pid}`
  const progress = progressLine()
  try {
    await kafka.connect({ timeoutMs: REACH_MS, signal })
    const isOurs = await ensureTopic(kafka, topic, PARTITIONS)
    try {
      const source =
        options.input === undefined
          ? generatedRecords(options.count ?? DEFAULT_COUNT, options.size)
          : inputRecords(options.input, options.count ?? Number.MAX_SAFE_INTEGER)
      const result = await roundtrip({
        kafka,
        source,
        topic,
        partitions: (await kafka.partitionsFor(topic)).length,
        compressionType: options.compression,
        signal,
        onProgress: progress.show,
      })
      progress.clear()
      report(result, options, bootstrapServers, topic)
    } finally {
      if (isOurs && options.topic === undefined) await removeTopic(kafka, topic)
    }
  } finally {
    progress.clear()
    await kafka.close()
  }
}

function report(
  result: RoundtripResult,
  options: RoundtripOptions,
  bootstrapServers: string,
  topic: string,
): void {
  const where = options.bootstrapServer === undefined ? 'the in-process broker' : bootstrapServers
  console.log(`${topic} on ${where}, compression ${options.compression}\n`)
  const row = (name: string, measured: Measured, p50: string, p99: string): string[] => [
    name,
    whole(measured.records),
    bytes(measured.bytes),
    whole(measured.records / measured.seconds),
    (measured.cpuMicros / Math.max(1, measured.records)).toFixed(2),
    p50,
    p99,
  ]
  const ms = (value: number): string => `${value.toFixed(1)} ms`
  console.log(
    table(
      ['', 'records', 'bytes', 'records/s', 'CPU µs/record', 'ack p50', 'ack p99'],
      [
        row('produced', result.produced, ms(result.ackP50Ms), ms(result.ackP99Ms)),
        row('consumed', result.consumed, '', ''),
      ],
    ),
  )
  console.log(
    "\nack: from enqueue() to the broker's response, with the producer's buffer kept full. CPU: the client's alone.",
  )
  const { missing, doubled, changed, outOfOrder, foreign, examples } = result.findings
  if (missing + doubled + changed + outOfOrder + foreign > 0) {
    throw new KafkaError(
      `what was read is not what was acknowledged: ${missing} missing, ${doubled} doubled, ${changed} changed, ${outOfOrder} out of order, ${foreign} not ours\n  ${examples.join('\n  ')}`,
    )
  }
  console.log(
    `All ${whole(result.produced.records)} records came back: none missing, none doubled, none changed, each partition in order.`,
  )
}

/** One line that is written over, on a terminal; nothing in a pipe. */
function progressLine(): { show: (phase: string, records: number) => void; clear: () => void } {
  const { stderr } = process
  let shownAt = 0
  return {
    show: (phase, records) => {
      const now = preciseMs()
      if (!stderr.isTTY || now - shownAt < 100) return
      shownAt = now
      stderr.write(
        `\r\x1b[2K${phase === 'produce' ? 'acknowledged' : 'read back'}: ${whole(records)}`,
      )
    },
    clear: () => {
      if (stderr.isTTY && shownAt > 0) stderr.write('\r\x1b[2K')
      shownAt = 0
    },
  }
}

function compression(text: string): CompressionType {
  const type = compressionTypes.find((name) => name === text)
  if (type !== undefined) return type
  throw new InvalidArgumentError(`It must be one of ${compressionTypes.join(', ')}.`)
}
