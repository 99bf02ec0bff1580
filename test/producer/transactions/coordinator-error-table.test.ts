// The table of errors of transaction coordinators, row by row.

import { expect, test } from 'vitest'
import {
  type CoordinatorRequest,
  type CoordinatorVerdict,
  coordinatorVerdict,
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

const rows: [
  number,
  CoordinatorVerdict,
  Partial<Record<CoordinatorRequest, CoordinatorVerdict>>,
][] = [
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
  [49, 'fatal', {}],
  [48, 'fatal', { commit: 'fenced' }],
  [53, 'fatal', { initProducerId: 'refused' }],
  [31, 'fatal', { initProducerId: 'refused' }],
  [120, 'abortable', { initProducerId: 'refused', abort: 'fatal' }],
  [59, 'forgotten', { abort: 'fatal' }],
  [29, 'abortable', {}],
  [55, 'abortable', {}],
  [30, 'abortable', {}],
  [22, 'fatal', { txnOffsetCommit: 'abortable' }],
  [25, 'fatal', { txnOffsetCommit: 'abortable' }],
  [82, 'fatal', { txnOffsetCommit: 'abortable' }],
  [113, 'fatal', { txnOffsetCommit: 'abortable' }],
  [50, 'timeoutTooLong', {}],
  [12, 'fatal', {}],
  [-1, 'fatal', {}],
  [9999, 'fatal', {}],
]

test.each(rows)('error %i', (code, verdict, exceptions) => {
  for (const request of all) {
    expect(coordinatorVerdict(request, code), request).toBe(exceptions[request] ?? verdict)
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
