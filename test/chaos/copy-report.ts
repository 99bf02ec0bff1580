// A run of the copy job as a row of a Markdown table.

import type { CopyResult } from './copy-run.ts'

const columns = [
  'scenario',
  'brokers',
  'seed',
  'inputs',
  'transactions committed',
  'aborted',
  'untold (there)',
  'copiers started (fenced)',
  'lost',
  'doubled',
  'inverted',
  'torn',
  'console',
  'drained in s',
  'verdict',
] as const

export const copyHeader: string = [row(columns), row(columns.map(() => '---'))].join('\n')

export function toCopyRow(result: CopyResult, brokers: string): string {
  const { scenario, verdict, violations } = result
  const { torn, wrongAbort, wrongCommit, lost, doubled, inversions } = verdict.violations
  return row([
    `${scenario.id} ${scenario.name}`,
    brokers,
    result.seed,
    verdict.inputs,
    verdict.committed,
    verdict.aborted,
    `${verdict.untold} (${verdict.untoldThere})`,
    `${result.lives} (${result.fenced})`,
    lost,
    doubled,
    inversions,
    torn + wrongAbort + wrongCommit,
    result.printed,
    Math.round(result.drainMs / 1000),
    violations.length > 0 ? `**broken: ${violations.join(', ')}**` : 'laws hold',
  ])
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}
