// Can the copy job's suite fail? Each mutant is the client with one rule of transactions taken out, as in
// mutants.ts.

import type { CopyViolations } from './copy-oracle.ts'
import type { CopyOptions } from './copy-run.ts'
import type { Mutant } from './mutants.ts'

export interface CopyMutant extends Pick<Mutant, 'name' | 'file' | 'from' | 'to' | 'scenario'> {
  options: Partial<CopyOptions>
  /** Only on these brokers. Default: on any. */
  brokers?: string
  /** One of these must be found broken. */
  laws: readonly (keyof CopyViolations)[]
}

export const copyMutants: readonly CopyMutant[] = []
