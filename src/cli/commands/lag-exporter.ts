// `kafkawire lag-exporter`: the lag of groups over HTTP, in the format of Prometheus.

import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import type { GroupLag } from '../../admin/group-lag.ts'
import { monotonicMs } from '../../async/clock.ts'
import { addTimeout, atLeast, clusterCommand, collect, onRun } from '../command.ts'
import { failureText, UsageError } from '../failures.ts'
import { PartialResults } from '../partial-results.ts'
import type { Session } from '../session.ts'

interface ExporterOptions {
  port: number
  host: string
  group?: string[]
  include?: string
  maxAge: number
}

export function addLagExporter(program: Command): void {
  const command = clusterCommand(program, 'lag-exporter', {
    summary: 'Serve the lag of groups to Prometheus',
    description:
      'It responds on /metrics. The brokers are asked when a scrape comes, and at most once per --max-age.',
    examples: [
      { text: 'All groups, on port 9308', command: 'kafkawire lag-exporter' },
      {
        text: 'Only some groups',
        command: "kafkawire lag-exporter --include 'billing-.*' --port 9400",
      },
    ],
  })
    .option('--port <n>', 'the port; 0 is any that is free', atLeast(0), 9308)
    .option('--host <address>', 'the address that it listens on', '0.0.0.0')
    .option('--group <id>', 'only this group; can be repeated', collect)
    .option('--include <regex>', 'only groups whose id matches')
    .option('--max-age <ms>', 'how old the figures of a response may be', atLeast(0), 5000)
  onRun<ExporterOptions>(addTimeout(command), run)
}

async function run(session: Session, options: ExporterOptions): Promise<void> {
  const wants = groupFilter(options)
  let text = ''
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | null = null
  const read = async (): Promise<void> => {
    const startedAt = monotonicMs()
    const parts = new PartialResults()
    const listed = await parts.of(session.admin.listGroups(session.limits))
    const ids = listed
      .filter(({ groupId, protocolType }) => protocolType !== 'connect' && wants(groupId))
      .map(({ groupId }) => groupId)
    const lags = await parts.of(session.admin.groupLag(ids, session.limits))
    text = metricsText(lags, monotonicMs() - startedAt, parts.errors.length)
    if (parts.errors.length > 0) tell(new AggregateError(parts.errors))
    readAt = monotonicMs()
  }
  /** One question to the brokers, whatever the number of scrapers. */
  const refresh = (): Promise<void> => {
    if (monotonicMs() - readAt < options.maxAge) return Promise.resolve()
    reading ??= read().finally(() => {
      reading = null
    })
    return reading
  }
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' && request.url !== '/') return send(response, 404, 'Not found\n')
    refresh().then(
      () => send(response, 200, text),
      (error: unknown) => send(response, 503, tell(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as AddressInfo
  session.out.line(`Serving on http://${options.host}:${port}/metrics`)
  session.out.object({ host: options.host, port })
  await new Promise<void>((resolve) => {
    if (session.signal.aborted) resolve()
    else session.signal.addEventListener('abort', () => resolve())
  })
  server.close()
  server.closeAllConnections()
}

/** Writes what failed to standard error. */
function tell(error: unknown): string {
  const reason = `${failureText(error, { json: false, debug: false })}\n`
  process.stderr.write(reason)
  return reason
}

function groupFilter({ group, include }: ExporterOptions): (groupId: string) => boolean {
  if (include === undefined) return (id) => group === undefined || group.includes(id)
  try {
    const pattern = new RegExp(`^(?:${include})$`)
    return (id) => pattern.test(id) || group?.includes(id) === true
  } catch {
    throw new UsageError(`--include ${include} is not a regular expression.`)
  }
}

/**
 * The text format of Prometheus.
 * @param failures how many groups and brokers are missing in it because they could not be asked
 */
export function metricsText(
  groups: readonly GroupLag[],
  durationMs: number,
  failures: number,
): string {
  const lines: string[] = []
  const family = (name: string, help: string): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`)
  }
  const partitions = groups.flatMap(({ group, partitions }) =>
    partitions.map((partition) => ({ group: group.groupId, ...partition })),
  )
  const perPartition = [
    ['kafka_consumergroup_lag', 'Records that the group has not read yet.', 'lag'],
    [
      'kafka_consumergroup_current_offset',
      'The offset that the group committed.',
      'committedOffset',
    ],
    ['kafka_consumergroup_log_end_offset', 'Where the partition ends.', 'endOffset'],
  ] as const
  for (const [name, help, field] of perPartition) {
    family(name, help)
    for (const { group, topic, partition, ...offsets } of partitions) {
      const value = offsets[field]
      if (value === null) continue
      lines.push(`${name}${labels({ consumergroup: group, topic, partition })} ${value}`)
    }
  }
  family(
    'kafka_consumergroup_lag_sum',
    'Records that the group has not read yet, in all partitions.',
  )
  for (const { group, totalLag } of groups) {
    lines.push(`kafka_consumergroup_lag_sum${labels({ consumergroup: group.groupId })} ${totalLag}`)
  }
  family('kafka_consumergroup_members', 'Members of the group.')
  for (const { group } of groups) {
    const of = labels({ consumergroup: group.groupId, state: group.state })
    lines.push(`kafka_consumergroup_members${of} ${group.members.length}`)
  }
  family('kafkawire_lag_scrape_duration_seconds', 'How long the brokers took to respond.')
  lines.push(`kafkawire_lag_scrape_duration_seconds ${durationMs / 1000}`)
  family(
    'kafkawire_lag_scrape_failures',
    'Groups and brokers that could not be asked, and whose figures are missing here.',
  )
  lines.push(`kafkawire_lag_scrape_failures ${failures}`)
  return `${lines.join('\n')}\n`
}

function labels(values: Record<string, string | number>): string {
  const shown = Object.entries(values).map(([name, value]) => {
    const text = String(value)
      .replaceAll('\\', '\\\\')
      .replaceAll('"', '\\"')
      .replaceAll('\n', '\\n')
    return `${name}="${text}"`
  })
  return `{${shown.join(',')}}`
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  response.end(text)
}
