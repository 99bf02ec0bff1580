// What several seeds of a scenario came to, in one row.

import { quantile } from './oracle.ts'
import type { RunResult } from './run.ts'

const columns = [
  'scenario',
  'client',
  'runs',
  'sent',
  'acked',
  'failed',
  'lost',
  'doubled',
  'inverted',
  'first ack after E, p95/max ms',
  'worst gap ms',
  'load, most',
  'broken',
  'missed',
] as const

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`

/** A table: a row for each scenario and client. */
export function summaryOf(results: readonly RunResult[]): string {
  const runs = new Map<string, RunResult[]>()
  for (const result of results) {
    const key = `${result.scenario.id} ${result.scenario.name} | ${result.client}`
    runs.set(key, [...(runs.get(key) ?? []), result])
  }
  const rows = [...runs].map(([key, ofKey]) => toRow(key, ofKey))
  return [row(columns), row(columns.map(() => '---')), ...rows].join('\n')
}

function toRow(key: string, results: readonly RunResult[]): string {
  const sum = (figure: (result: RunResult) => number): number =>
    results.reduce((total, result) => total + figure(result), 0)
  const delays = results.flatMap(({ ackDelaysMs }) => ackDelaysMs).sort((a, b) => a - b)
  const ofSeeds = (texts: (result: RunResult) => string[]): string =>
    results
      .filter((result) => texts(result).length > 0)
      .map((result) => `${texts(result).join(', ')} (seed ${result.seed})`)
      .join('; ')
  return row([
    key,
    results.length,
    sum(({ verdict }) => verdict.sent),
    sum(({ verdict }) => verdict.acked),
    sum(({ verdict }) => verdict.failedNo + verdict.failedMaybe),
    sum(({ verdict }) => verdict.violations.lost),
    sum(({ verdict }) => verdict.violations.doubled),
    sum(({ verdict }) => verdict.violations.inversions),
    delays.length === 0
      ? ''
      : `${Math.round(quantile(delays, 0.95))} / ${Math.round(delays.at(-1) ?? 0)}`,
    Math.max(...results.map(({ verdict }) => verdict.worstGapMs)),
    Math.max(...results.map(({ machineLoad }) => machineLoad)).toFixed(0),
    ofSeeds(({ violations }) => violations) || 'none',
    ofSeeds(({ missed }) => missed),
  ])
}
