// A run as a row of a Markdown table.

import type { ConsumersResult } from './consumers.ts'
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
  'load',
  'loop late ms',
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
  const { rssBaselineMiB, rssEndMiB, sockets, loopLateMs } = ended.summary ?? {}
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
    result.machineLoad.toFixed(0),
    loopLateMs ?? '',
    judgement(result),
  ])
}

const consumerColumns = [
  'scenario',
  'client',
  'seed',
  'in log',
  'group: delivered',
  'again',
  'repeated',
  'missed',
  'skipped',
  'twice',
  'foreign',
  'unowned',
  'overlapping',
  'commits',
  'fell',
  'too far',
  'moved',
  'by hand: delivered',
  'lag 0 after s',
  'load',
  'verdict',
] as const

export const consumerHeader: string = [
  row(consumerColumns),
  row(consumerColumns.map(() => '---')),
].join('\n')

/** Counts of both, the group and the one by hand, where one column stands for both. */
export function toConsumerRow(result: RunResult, consumers: ConsumersResult): string {
  const { scenario, client, seed } = result
  const { group, byHand, lagGoneMs } = consumers
  const both = (law: keyof typeof group.violations): number =>
    group.violations[law] + (byHand?.violations[law] ?? 0)
  return row([
    `${scenario.id} ${scenario.name}`,
    client,
    seed,
    group.inLog,
    group.delivered,
    group.redelivered,
    group.repeated,
    both('missed'),
    both('skipped'),
    both('twice'),
    both('foreign'),
    both('unowned'),
    group.violations.overlapping,
    group.commits,
    group.violations.commitFell,
    group.violations.commitTooFar,
    group.reassigned,
    byHand?.delivered ?? '',
    Number.isFinite(lagGoneMs) ? (lagGoneMs / 1000).toFixed(1) : 'never',
    result.machineLoad.toFixed(0),
    judgement(result),
  ])
}

/** What rebalances did to partitions that stayed, and whether bounces of static members made any. */
export function rebalanceLine({ pauses, bounces, group }: ConsumersResult): string {
  const { count, p95Ms, mostMs, calmMostMs } = pauses
  const stayed = `${count} times a partition stayed while others moved: pause p95 ${p95Ms} ms, max ${mostMs} ms`
  const calm = `longest gap while none moved ${calmMostMs} ms`
  const judged = bounces.filter(({ isJudged }) => isJudged).length
  const bounced =
    bounces.length === 0 ? [] : [`${bounces.length} bounces, ${judged} within the session`]
  return [`${group.reassigned} moves; ${stayed}`, calm, ...bounced].join('; ')
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
