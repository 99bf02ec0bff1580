// `kafkawire proxy`: stands between clients and brokers and prints their conversation as it happens.

import type { Command } from 'commander'
import { wallMs } from '../../async/clock.ts'
import { apiByName } from '../../protocol/apis.ts'
import { DecodeBudget } from '../../records/decode-budget.ts'
import { DEFAULT_DECODED_BYTES, dissectFrame } from '../dissect.ts'
import { UsageError } from '../failures.ts'
import { readInputFile } from '../input-files.ts'
import { parseProperties } from '../properties.ts'
import { type Address, KafkaProxy, type KafkaProxyOptions, type PassedFrame } from '../proxy.ts'
import { treeLines } from '../tree.ts'

interface ProxyFlags {
  listen: string
  to: string
  api?: string
  print: 'summary' | 'lines' | 'tree'
  tls?: boolean
  commandConfig?: string
}

export function addProxy(program: Command): void {
  program
    .command('proxy')
    .description('stand between clients and brokers and print what they say')
    .requiredOption('--to <host:port>', 'a broker of the cluster')
    .option('--listen <host:port>', 'where clients connect to', '127.0.0.1:9192')
    .option('--api <names>', 'print these APIs only, separated by commas')
    .option('--print <form>', 'summary (a line for each frame), lines (JSON) or tree', 'summary')
    .option('--tls', 'connect to the brokers by TLS, with the certificates of Node')
    .option(
      '--command-config <file>',
      "Java's client properties: security.protocol and ssl.* are those of connections to brokers",
    )
    .action(proxy)
}

async function proxy(flags: ProxyFlags): Promise<void> {
  const apis = flags.api?.split(',') ?? null
  for (const name of apis ?? []) {
    if (apiByName(name) === undefined) throw new UsageError(`proxy: Kafka has no API "${name}"`)
  }
  if (!['summary', 'lines', 'tree'].includes(flags.print)) {
    throw new UsageError(`proxy: --print must be summary, lines or tree, got ${flags.print}`)
  }
  // Frames are printed one after the other: bodies may be decompressed off the main thread.
  let printing = Promise.resolve()
  const running = new KafkaProxy({
    listen: addressOf(flags.listen, '--listen'),
    to: addressOf(flags.to, '--to'),
    tls: await tlsOf(flags),
    onFrame: (passed) => {
      const { frame } = passed
      if (apis !== null && !('api' in frame && apis.includes(frame.api.name))) return
      printing = printing.then(async () => console.log(await shownFrame(passed, flags.print)))
    },
    onConnectionError: (error, broker) =>
      console.error(`connection to ${broker}: ${error.message}`),
  })
  const { host, port } = await running.start()
  console.error(`listening on ${host}:${port}; stop with Ctrl+C`)
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
  await running.close()
  await printing
}

/** How brokers are reached. SASL is between the client and the broker. */
export async function tlsOf({
  tls,
  commandConfig,
}: Pick<ProxyFlags, 'tls' | 'commandConfig'>): Promise<KafkaProxyOptions['tls']> {
  if (commandConfig === undefined) return tls === true
  const { optionsFromJava } = await import('../java-options.ts')
  const properties = parseProperties(readInputFile(commandConfig), commandConfig)
  const { ssl } = optionsFromJava(properties).connection
  if (typeof ssl === 'function') throw new UsageError('proxy: ssl cannot be a function')
  return ssl ?? tls === true
}

async function shownFrame(
  { client, broker, frame }: PassedFrame,
  form: ProxyFlags['print'],
): Promise<string> {
  const place = frame.from === 'client' ? `${client} > ${broker}` : `${broker} > ${client}`
  const time = new Date(wallMs()).toISOString()
  if (frame.type === 'sasl')
    return `${time} ${place} SASL ${frame.mechanism} (${frame.body.length} bytes)`
  if (frame.type === 'unreadable') return `${time} ${place} unreadable: ${frame.error.message}`
  const { api, type, version, raw } = frame
  const summary = `${time} ${place} ${api.name} v${version} ${type} #${frame.header.correlationId} (${raw.length} bytes)`
  if (form === 'summary') return summary
  const dissected = await dissectFrame(
    frame,
    new DecodeBudget({
      maxDecodedBytes: DEFAULT_DECODED_BYTES,
      maxDecompressedBytes: 2 * DEFAULT_DECODED_BYTES,
    }),
  )
  return form === 'lines'
    ? JSON.stringify({ time, client, broker, ...dissected })
    : `${summary}\n${treeLines(dissected.body, '  ').join('\n')}`
}

function addressOf(text: string, flag: string): Address {
  const match = /^\[?([^\]]*)\]?:(\d{1,5})$/.exec(text)
  if (match === null || Number(match[2]) > 65_535) {
    throw new UsageError(`proxy: ${flag} must be HOST:PORT, got ${JSON.stringify(text)}`)
  }
  return { host: match[1], port: Number(match[2]) }
}
