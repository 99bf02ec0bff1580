// Is the suite able to fail? Each mutant is the client with one rule taken out; a scenario must catch it
// by one of the laws named. `from` is text of the built file, and must be there exactly once.

import type { ConsumerViolations } from './consumer-oracle.ts'
import type { Violations } from './oracle.ts'

export interface Mutant {
  name: string
  /** Below the build's folder. */
  file: string
  from: string
  to: string
  scenario: number
  seconds: number
  /**
   * One of these must be found broken; `failed`: records failed where none had to;
   * `repeated`: delivered again after a clean handover.
   */
  laws: readonly (keyof Violations | keyof ConsumerViolations | 'failed' | 'repeated')[]
  /** Consumers read beside the load. */
  isConsuming?: boolean
}

const forgetNumbers = `if (batch.stamp !== null) {
  const { unresolved } = batch.partition.state;
  unresolved.splice(unresolved.indexOf(batch), 1);
`

export const mutants: readonly Mutant[] = [
  {
    name: 'a lost connection counts as an answer',
    file: 'producer/sending/batch-completion.js',
    from: 'batch.lost(error, wasWritten);',
    to: `batch.lost(error, wasWritten);
        if (wasWritten && !batch.isSettled) return void this.acknowledge(batch, -1n, -1);`,
    scenario: 12,
    seconds: 10,
    laws: ['lost'],
  },
  {
    name: 'a retry gets new numbers',
    file: 'producer/sending/batch-completion.js',
    from: 'batch.retryFrom(isCounted ?',
    to: `${forgetNumbers} batch.unnumbered();
}
batch.retryFrom(isCounted ?`,
    scenario: 11,
    seconds: 10,
    laws: ['doubled'],
  },
  {
    name: 'the numbers of a lost batch are given to another one',
    file: 'producer/sending/batch-completion.js',
    from: 'batch.retryFrom(isCounted ?',
    to: `${forgetNumbers} batch.partition.state.nextSequence = batch.stamp.baseSequence;
  batch.unnumbered();
}
batch.retryFrom(isCounted ?`,
    scenario: 11,
    seconds: 10,
    laws: ['lost', 'doubled', 'misplaced'],
  },
  {
    name: 'no idempotence',
    file: 'producer/options.js',
    from: 'enableIdempotence: boolean(true)',
    to: 'enableIdempotence: boolean(false)',
    scenario: 11,
    seconds: 10,
    laws: ['doubled'],
  },
  {
    name: 'what is in doubt is renumbered after a gap',
    file: 'producer/sending/batch-completion.js',
    from: `&& state.nextToResend() === null) {
            for (const batch of [...state.unresolved]) {`,
    to: ') {\n            for (const batch of []) {',
    scenario: 32,
    seconds: 25,
    laws: ['doubled', 'inversions'],
  },
  {
    name: "every failure says 'no'",
    file: 'producer/batching/batch.js',
    from: 'get persisted() {',
    to: "get persisted() {\n        return 'no';",
    scenario: 6,
    seconds: 25,
    laws: ['wrongNo'],
  },
  {
    name: 'offsets are off by one',
    file: 'producer/record-metadata.js',
    from: 'BigInt(this.index)',
    to: 'BigInt(this.index + 1)',
    scenario: 10,
    seconds: 5,
    laws: ['misplaced'],
  },
  {
    name: 'no probe',
    file: 'producer/idempotence/send-gates.js',
    from: 'if (state.isProbing && inFlight > 0)',
    to: 'if (false)',
    scenario: 33,
    seconds: 10,
    laws: ['failed'],
  },
  {
    name: 'a commit before the work is done',
    file: 'consumer/assignment/assigned-partition.js',
    from: 'get committable() {',
    to: 'get committable() {\n        return this.position;',
    scenario: 0,
    seconds: 10,
    laws: ['commitTooFar'],
    isConsuming: true,
  },
  {
    name: 'what was asked for at another position is taken',
    file: 'consumer/fetching/fetch-results.js',
    from: 'if (target.version !== entry.version || target.fetchOffset !== entry.fetchOffset)',
    to: 'if (false)',
    scenario: 0,
    seconds: 15,
    laws: ['skipped'],
    isConsuming: true,
  },
  {
    name: 'a partition that is being given up is read on',
    file: 'consumer/assignment/assigned-partition.js',
    from: '!this.holds.isEmpty',
    to: "['isPaused', 'isAwaitingCallback', 'isUnsubscribed'].some((name) => this.holds.has(name))",
    scenario: 19,
    seconds: 40,
    laws: ['unowned', 'overlapping', 'repeated'],
    isConsuming: true,
  },
]
