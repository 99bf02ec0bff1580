import { describe, expect, it } from 'vitest'
import {
  fatalGroupError,
  type MemberRequest,
  memberAction,
} from '../../../src/consumer/group/classic-error-table.ts'
import { FencedError } from '../../../src/errors.ts'

// docs/internals/consumer.md, section 5, row by row.
const table: [code: number, ...actions: [MemberRequest, string][]][] = [
  [0, ['join', 'done'], ['sync', 'done'], ['heartbeat', 'done'], ['commit', 'done']],
  [14, ['join', 'backOff'], ['sync', 'backOff'], ['heartbeat', 'backOff'], ['commit', 'backOff']],
  [15, ['join', 'rediscover'], ['sync', 'rediscover'], ['heartbeat', 'rediscover']],
  [16, ['join', 'rediscover'], ['sync', 'rediscover'], ['heartbeat', 'rediscover']],
  [
    22,
    ['sync', 'resetGeneration'],
    ['heartbeat', 'resetGeneration'],
    ['commit', 'resetGeneration'],
  ],
  [
    25,
    ['join', 'resetMember'],
    ['sync', 'resetMember'],
    ['heartbeat', 'resetMember'],
    ['commit', 'resetMember'],
  ],
  [27, ['join', 'backOff'], ['sync', 'rejoin'], ['heartbeat', 'rejoin'], ['commit', 'rejoin']],
  [79, ['join', 'useMemberId']],
  [82, ['join', 'fatal'], ['sync', 'fatal'], ['heartbeat', 'fatal'], ['commit', 'fatal']],
  [30, ['join', 'fatal'], ['sync', 'fatal'], ['heartbeat', 'fatal']],
  [23, ['join', 'fatal']],
  [24, ['join', 'fatal']],
  [26, ['join', 'fatal']],
  [81, ['join', 'fatal']],
  [35, ['join', 'fatal']],
]

describe("the table of a classic group's errors", () => {
  for (const [code, ...actions] of table) {
    for (const [request, action] of actions) {
      it(`${request} answered with ${code}: ${action}`, () => {
        expect(memberAction(request, code)).toBe(action)
      })
    }
  }

  it('takes a code without a row for one that passes', () => {
    for (const request of ['join', 'sync', 'heartbeat', 'commit'] as const) {
      for (const code of [999, -1, 7, 13, 42, 88, 89]) {
        expect(memberAction(request, code)).toBe('backOff')
      }
    }
  })

  it('says what to change', () => {
    expect(fatalGroupError('join', 26, 'g', null).message).toContain('group.min.session.timeout.ms')
    expect(fatalGroupError('join', 81, 'g', null).message).toContain('group.max.size')
    expect(fatalGroupError('join', 81, 'g', null)).toMatchObject({ errorCode: 81 })
    expect(fatalGroupError('heartbeat', 82, 'g', null)).toBeInstanceOf(FencedError)
  })
})
