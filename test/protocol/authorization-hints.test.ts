import { expect, test } from 'vitest'
import { authorizationHint } from '../../src/protocol/authorization-hints.ts'
import { brokerError, errorCodes } from '../../src/protocol/error-codes.ts'

test.each<[number, string, string]>([
  [29, 'Produce to t-0 on node 1', 'needs WRITE on the topic'],
  [29, "Metadata of topic 't'", 'needs DESCRIBE on the topic'],
  [29, 'Fetch of t-0 from node 1', 'needs READ on the topic'],
  [30, 'The JoinGroup request of group g', 'needs READ on the group'],
  [30, "FindCoordinator of group 'g'", 'needs DESCRIBE on the group'],
  [31, 'InitProducerId', 'needs IDEMPOTENT_WRITE on the cluster, or WRITE on a topic'],
  [53, 'EndTxn', 'needs WRITE on the transactional id'],
  [29, 'What no table knows', 'lacks a permission on the topic'],
  [53, 'toString', 'lacks a permission on the transactional id'],
])('%i: %s', (code, what, text) => {
  expect(brokerError(code, what).message).toContain(`the principal of this client ${text}`)
})

test('names the principal where that is known, without what a terminal would obey', () => {
  expect(brokerError(29, 'Produce to t-0', 'User:ann').message).toMatch(
    /\[29\]: User:ann needs WRITE on the topic$/,
  )
  expect(brokerError(29, 'Produce to t-0', 'User:\u001b[2J').message).not.toContain('\u001b')
})

test('any other code has none', () => {
  for (const [name, code] of Object.entries(errorCodes)) {
    if (/^(TOPIC|GROUP|CLUSTER|TRANSACTIONAL_ID)_AUTHORIZATION_FAILED$/.test(name)) continue
    expect(authorizationHint(code, 'Produce', null), name).toBe('')
  }
})
