// A run as a row of a Markdown table.

import { quantile } from './oracle.ts'
import type { RunResult } from './run.ts'

const columns = [
  'scenario',
  'client',
  'seed',
  'sent',
  'acked',
  'failed no/maybe',
  'lost',
  'doubled',
  'inverted',
  "wrong 'no'",
  'first ack after E, p95/max ms',
  'worst gap ms',
  'p99 ms',
  'RSS MiB',
  'sockets',
  'verdict',
] as const

export const header: string = [row(columns), row(columns.map(() => '---'))].join('\n')

export function toRow(result: RunResult): string {
  const { scenario, verdict, ackDelaysMs, ended } = result
  const { violations, latencyMs } = verdict
  const delays =
    ackDelaysMs.length === 0
      ? ''
      : `${time(quantile(ackDelaysMs, 0.95))} / ${time(ackDelaysMs.at(-1) ?? 0)}`
  const { rssBaselineMiB, rssEndMiB, sockets } = ended.summary ?? {}
  return row([
    `${scenario.id} ${scenario.name}`,
    result.client,
    result.seed,
    verdict.sent,
    verdict.acked,
    `${verdict.failedNo} / ${verdict.failedMaybe}`,
    violations.lost,
    violations.doubled,
    violations.inversions,
    violations.wrongNo,
    delays,
    verdict.worstGapMs,
    latencyMs.p99,
    ended.summary === null ? '' : `${rssBaselineMiB} to ${rssEndMiB}`,
    sockets ?? '',
    judgement(result),
  ])
}

function judgement({ violations, missed }: RunResult): string {
  const parts = violations.length > 0 ? [`**broken: ${violations.join(', ')}**`] : ['laws hold']
  if (missed.length > 0) parts.push(`missed: ${missed.join(', ')}`)
  return parts.join('; ')
}

function time(ms: number): string {
  return Number.isFinite(ms) ? String(Math.round(ms)) : 'never'
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}
