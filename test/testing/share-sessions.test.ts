import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { ShareSessions } from '../../src/testing/groups/share/share-sessions.ts'

test('sessions that a client opens one after the other by one connection end with it, each once', () => {
  const sessions = new ShareSessions(10)
  const connection = new AbortController()
  const ended: string[] = []
  for (let i = 0; i < 20; i++) {
    sessions.begin('a', 0, connection.signal, () => ended.push(`a${i}`))
  }
  sessions.begin('b', 0, connection.signal, () => ended.push('b'))
  sessions.begin('c', 0, new AbortController().signal, () => ended.push('c'))
  // Node warns of a leak from eleven on.
  expect(getEventListeners(connection.signal, 'abort')).toHaveLength(1)
  connection.abort()
  expect(ended).toEqual(['a19', 'b'])
  expect(sessions.expect('c').epoch).toBe(1)
  expect(() => sessions.expect('a')).toThrow()
})
