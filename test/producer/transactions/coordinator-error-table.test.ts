// The table of errors of transaction coordinators, row by row.

import { expect, test } from 'vitest'
import {
  type CoordinatorRequest,
  type CoordinatorVerdict,
  coordinatorVerdict,
  findCoordinatorVerdict,
  worst,
} from '../../../src/producer/transactions/coordinator-error-table.ts'

const all: readonly CoordinatorRequest[] = [
  'initProducerId',
  'addPartitionsToTxn',
  'addOffsetsToTxn',
  'txnOffsetCommit',
  'commit',
  'abort',
]

type Row = [number, CoordinatorVerdict, Partial<Record<CoordinatorRequest, CoordinatorVerdict>>]

const rows: Row[] = [
  [0, 'done', {}],
  [15, 'find', {}],
  [16, 'find', {}],
  [7, 'retry', { txnOffsetCommit: 'find' }],
  [14, 'retry', {}],
  [51, 'retry', {}],
  [3, 'retry', {}],
  [89, 'retry', {}],
  [88, 'retry', {}],
  [47, 'fenced', {}],
  [90, 'fenced', {}],
  [49, 'forgotten', { initProducerId: 'refused' }],
  [59, 'forgotten', { initProducerId: 'refused' }],
  [48, 'fatal', { initProducerId: 'refused', commit: 'fenced' }],
  [50, 'abortable', { initProducerId: 'timeoutTooLong', abort: 'refused' }],
  ...[53, 31, 120, 29, 55, 30, 22, 25, 82, 113, 12, 42, 35, 24].map(
    (code): Row => [code, 'abortable', { initProducerId: 'refused', abort: 'refused' }],
  ),
  ...[-1, 9999, 999].map(
    (code): Row => [
      code,
      'abortable',
      { initProducerId: 'retry', commit: 'retryInDoubt', abort: 'retryInDoubt' },
    ],
  ),
]

test.each(rows)('error %i', (code, verdict, exceptions) => {
  for (const request of all) {
    expect(coordinatorVerdict(request, code), request).toBe(exceptions[request] ?? verdict)
  }
})

test('FindCoordinator is asked again for every code that says nothing of permission', () => {
  for (const request of all) {
    for (const code of [7, 13, 88, 89, 14, 15, 16, -1, 9999]) {
      expect(findCoordinatorVerdict(request, code), `${request} ${code}`).toBe('retry')
    }
    for (const code of [53, 30, 24, 42, 47, 90]) {
      expect(['refused', 'abortable']).toContain(findCoordinatorVerdict(request, code))
    }
  }
})

test.each<[number[], number]>([
  [[0, 0], 0],
  [[], 0],
  [[0, 3, 0], 3],
  // What was not attempted says nothing of why.
  [[55, 3], 3],
  [[55, 29], 29],
  [[55, 55], 55],
  [[3, 29], 29],
  [[29, 47], 47],
  [[3, 16], 16],
])('of the codes %j, %i decides', (codes, expected) => {
  expect(worst('addPartitionsToTxn', codes)).toBe(expected)
  expect(worst('addPartitionsToTxn', codes.toReversed())).toBe(expected)
})
