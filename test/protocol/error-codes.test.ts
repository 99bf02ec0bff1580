// The table of error codes against Kafka's own: every code, its name, and whether it is retriable.

import { expect, test } from 'vitest'
import { BrokerError } from '../../src/errors.ts'
import { brokerError, codeName, errorCodes, isRetriable } from '../../src/protocol/error-codes.ts'
import { loadTable } from '../vectors/load.ts'

interface Row {
  code: number
  name: string
  retriable: boolean
}

const rows = loadTable<Row>('errors')

test('has every code of Kafka and no other', () => {
  expect(errorCodes).toEqual(Object.fromEntries(rows.map((row) => [row.name, row.code])))
})

test('names each code and says whether it is retriable', () => {
  for (const { code, name, retriable } of rows) {
    expect(codeName(code)).toBe(name)
    expect(isRetriable(code), name).toBe(retriable)
  }
})

test('keeps the number of a code that it does not know, and does not retry it', () => {
  expect(codeName(9999)).toBe('ERROR_9999')
  expect(isRetriable(9999)).toBe(false)
})

test('makes an error that says what failed and why', () => {
  const error = brokerError(6, 'Produce to orders-3 on node 2')
  expect(error).toBeInstanceOf(BrokerError)
  expect(error.message).toBe('Produce to orders-3 on node 2 failed: NOT_LEADER_OR_FOLLOWER [6]')
  expect(error).toMatchObject({
    errorCode: 6,
    codeName: 'NOT_LEADER_OR_FOLLOWER',
    retriable: true,
  })
  expect(brokerError(9999, 'Fetch')).toMatchObject({ codeName: 'ERROR_9999', retriable: false })
})
