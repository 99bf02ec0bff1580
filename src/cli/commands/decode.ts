// `kafkawire decode`: prints frames of the protocol, captures of it, and files of a broker's log.

import { type Command, Option } from 'commander'
import { apiByName } from '../../protocol/apis.ts'
import { DecodeBudget } from '../../records/decode-budget.ts'
import {
  baseOffsetOf,
  decodeOffsetIndex,
  decodeTimeIndex,
  decodeTransactionIndex,
  readLogSegment,
} from '../../records/log-segment.ts'
import { type CapturedFrame, capturedFrames } from '../capture/captured-frames.ts'
import { type DecodeInput, type InputForm, inputForms, readInput } from '../decode-input.ts'
import {
  DEFAULT_DECODED_BYTES,
  dissect,
  dissectFrame,
  plain,
  type ResponseOf,
  splitFrames,
} from '../dissect.ts'
import { decodeForDump, dumpLines, type IndexEntry, indexLine } from '../dump-log.ts'
import { UsageError } from '../failures.ts'
import { treeLines } from '../tree.ts'

interface DecodeFlags {
  hex?: string
  base64?: string
  file?: string
  format: InputForm
  print: 'json' | 'lines' | 'tree' | 'dump'
  api?: string
  version?: string
  response?: boolean
  port?: string
  records: boolean
  maxDecodedBytes: string
}

export function addDecode(program: Command): void {
  program
    .command('decode')
    .description('print frames of the protocol, captures, and files of a log')
    .option('--hex <digits>', 'the bytes of one or more frames, sizes included')
    .option('--base64 <text>', 'the same in base64')
    .option(
      '--file <path>',
      'a file: frames (as bytes, hex or base64), .pcap, .log, .index; - is stdin',
    )
    .addOption(
      new Option('--format <format>', 'what the file holds').choices(inputForms).default('auto'),
    )
    .addOption(
      new Option('--print <form>', 'dump is the form of kafka-dump-log, for files of a log')
        .choices(['json', 'lines', 'tree', 'dump'])
        .default('json'),
    )
    .option('--api <names>', 'print these APIs only, separated by commas')
    .option('--response', 'the frames are responses: --api and --version say to what')
    .option('--version <n>', 'the version of the API')
    .option('--port <ports>', 'ports of brokers in a capture, separated by commas (default: all)')
    .option('--no-records', 'leave out the records of a segment')
    .option(
      '--max-decoded-bytes <n>',
      'memory for decoded records, in all',
      String(DEFAULT_DECODED_BYTES),
    )
    .action(decode)
}

async function decode(flags: DecodeFlags): Promise<void> {
  const response = requestOf(flags)
  const apis = flags.response === true ? null : filterOf(flags.api)
  const maxDecodedBytes = Number(flags.maxDecodedBytes)
  if (!Number.isSafeInteger(maxDecodedBytes) || maxDecodedBytes <= 0) {
    throw new UsageError(
      `decode: --max-decoded-bytes must be a number of bytes, got ${flags.maxDecodedBytes}`,
    )
  }
  const input = await readInput(flags, flags.format)
  if (flags.print === 'dump' && (input.format === 'frames' || input.format === 'pcap')) {
    throw new UsageError('decode: --print dump is for segments and indexes (--file x.log)')
  }
  const budget = new DecodeBudget({ maxDecodedBytes, maxDecompressedBytes: 2 * maxDecodedBytes })
  const print = printer(flags.print)
  if (input.format === 'frames') {
    for (const frame of splitFrames(input.content)) {
      const shown = await dissect(frame, response, budget)
      if (apis === null || apis.has(shown.api)) print(shown)
    }
  } else if (input.format === 'pcap') {
    for (const captured of capturedFrames(input.content, portsOf(flags.port))) {
      const shown = await shownCapture(captured, apis, budget)
      if (shown !== null) print(shown)
    }
  } else if (input.format === 'segment') {
    await decodeSegment(input, flags, maxDecodedBytes, print)
  } else {
    if (flags.print === 'dump') console.log(`Dumping ${input.path}`)
    for (const entry of indexEntries(input)) {
      if (flags.print === 'dump') console.log(indexLine(entry))
      else print(await plain(entry, budget))
    }
  }
}

async function decodeSegment(
  { path, content }: DecodeInput,
  flags: DecodeFlags,
  maxDecodedBytes: number,
  print: (shown: unknown) => void,
): Promise<void> {
  if (flags.print === 'dump') {
    console.log(`Dumping ${path}`)
    console.log(`Log starting offset: ${baseOffsetOf(path)}`)
  }
  const batches = readLogSegment(path === '-' ? content : path)
  for (let next = await batches.next(); ; next = await batches.next()) {
    if (next.done === true) {
      const { incompleteBytes } = next.value
      if (incompleteBytes > 0 && flags.print !== 'dump') print({ incompleteBytes })
      return
    }
    // Each batch is printed and forgotten: the limit is for one.
    const limits = { maxDecodedBytes, maxDecompressedBytes: 2 * maxDecodedBytes }
    const dumped = await decodeForDump(next.value, limits)
    if (flags.print === 'dump') {
      for (const line of dumpLines(dumped, flags.records)) console.log(line)
      continue
    }
    const { position, hasValidCrc, bytes } = dumped.batch
    const { records, ...header } = dumped.content ?? { records: [] }
    const error = dumped.error === null ? {} : { error: dumped.error.message }
    const shown = { position, size: bytes.length, hasValidCrc, ...header, ...error }
    print(await plain(flags.records ? { ...shown, records } : shown, new DecodeBudget(limits)))
  }
}

function indexEntries({ format, content, path }: DecodeInput): IndexEntry[] {
  if (format === 'txnindex') return decodeTransactionIndex(content)
  const baseOffset = baseOffsetOf(path)
  return format === 'index'
    ? decodeOffsetIndex(content, baseOffset)
    : decodeTimeIndex(content, baseOffset)
}

async function shownCapture(
  { time, client, server, frame }: CapturedFrame,
  apis: ReadonlySet<string> | null,
  budget: DecodeBudget,
): Promise<unknown> {
  const place = { time: shownTime(time), client, server }
  switch (frame.type) {
    case 'request':
    case 'response':
      if (apis !== null && !apis.has(frame.api.name)) return null
      return { ...place, ...(await dissectFrame(frame, budget)) }
    case 'sasl':
      // What it holds may be a password.
      return apis === null
        ? {
            ...place,
            type: 'sasl',
            from: frame.from,
            mechanism: frame.mechanism,
            bytes: frame.body.length,
          }
        : null
    case 'gap':
      return { ...place, type: 'gap', from: frame.from, bytesNotCaptured: frame.bytes }
    case 'unreadable':
      return {
        ...place,
        type: 'unreadable',
        from: frame.from,
        error: frame.error.message,
        hex: frame.raw.subarray(0, 256).toString('hex'),
      }
  }
}

/** A capture may state any time: null for one that no date has. */
function shownTime(time: number): string | null {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

function printer(form: DecodeFlags['print']): (shown: unknown) => void {
  if (form === 'tree') return (shown) => console.log(`${treeLines(shown).join('\n')}\n`)
  const indent = form === 'lines' ? undefined : 2
  return (shown) => console.log(JSON.stringify(shown, null, indent))
}

function filterOf(names: string | undefined): ReadonlySet<string> | null {
  if (names === undefined) return null
  for (const name of names.split(',')) {
    if (apiByName(name) === undefined) throw new UsageError(`decode: ${unknownApi(name)}`)
  }
  return new Set(names.split(','))
}

function portsOf(text: string | undefined): number[] {
  if (text === undefined) return []
  return text.split(',').map((port) => {
    if (!/^\d{1,5}$/.test(port)) throw new UsageError(`decode: --port must be numbers, got ${port}`)
    return Number(port)
  })
}

function requestOf({ response, api: name, version }: DecodeFlags): ResponseOf | null {
  if (response !== true) {
    if (version === undefined) return null
    throw new UsageError(
      'decode: --version goes with --response; a request says its version itself',
    )
  }
  const api = name === undefined ? undefined : apiByName(name)
  if (api === undefined || version === undefined || !/^\d+$/.test(version)) {
    const why = name !== undefined && api === undefined ? ` (${unknownApi(name)})` : ''
    throw new UsageError(`decode: a response does not name its API: give --api and --version${why}`)
  }
  return { api, version: Number(version) }
}

function unknownApi(name: string): string {
  return `Kafka has no API ${JSON.stringify(name)}; names are such as Produce and Metadata`
}
