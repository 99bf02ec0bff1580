// Can the copy job's suite fail? Each mutant is the client with one rule of transactions taken out, as in
// mutants.ts.

import type { CopyViolations } from './copy-oracle.ts'
import type { Mutant } from './mutants.ts'

export interface CopyMutant extends Pick<Mutant, 'name' | 'file' | 'from' | 'to' | 'scenario'> {
  /** Default: the scenario's own. */
  recordsPerTransaction?: number
  /** Only on these brokers. Default: on any. */
  brokers?: string
  /** One of these must be found broken. */
  laws: readonly (keyof CopyViolations)[]
}

export const copyMutants: readonly CopyMutant[] = [
  {
    name: 'offsets are committed outside of the transaction',
    file: 'pipe.js',
    from: 'await tx.sendOffsets(this.consumer)',
    to: 'await this.consumer.commit()',
    scenario: 23,
    laws: ['lost', 'doubled'],
  },
  {
    name: 'after an abort the consumer goes on',
    file: 'producer/transactions/run-transaction.js',
    from: 'consumer.seekToCommitted()',
    to: 'Promise.resolve()',
    scenario: 23,
    laws: ['lost'],
  },
  {
    name: 'a commit that was not answered counts as one',
    file: 'producer/transactions/coordinator-queue.js',
    from: '|| mayHaveArrived(error);',
    to: "|| mayHaveArrived(error);\nif (request === 'commit' && mayHaveArrived(error)) return { verdict: 'done' };",
    // An abort or a kill must come before the next commit, which would make up for it.
    scenario: 34,
    recordsPerTransaction: 100,
    laws: ['lost', 'torn', 'wrongCommit'],
  },
  {
    name: 'no new epoch after an end in doubt',
    file: 'producer/transactions/transaction-lifecycle.js',
    from: 'onDoubt: () => manager.endInDoubt()',
    to: 'onDoubt: () => {}',
    scenario: 24,
    brokers: '3.9.2',
    laws: ['torn', 'wrongAbort', 'wrongCommit', 'doubled'],
  },
  {
    name: 'offsets are sent without the generation of the group',
    file: 'producer/transactions/transaction-requests.js',
    from: 'const { groupId, generationId, memberId, groupInstanceId } = group;',
    to: "const groupId = group.groupId, generationId = -1, memberId = '', groupInstanceId = null;",
    scenario: 35,
    laws: ['doubled'],
  },
]
