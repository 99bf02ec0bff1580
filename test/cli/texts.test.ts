// What people type and what they read: durations, times, reset flags, tables, JSON, errors.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import { replaceClock } from '../../src/async/clock.ts'
import { keyValues } from '../../src/cli/command.ts'
import { durationMs, instantMs } from '../../src/cli/durations.ts'
import { failureText, UsageError } from '../../src/cli/failures.ts'
import { Output, toJson } from '../../src/cli/output.ts'
import { Progress } from '../../src/cli/progress.ts'
import { proposeAssignment } from '../../src/cli/propose-assignment.ts'
import { type ResetFlags, resetPlan } from '../../src/cli/reset-flags.ts'
import { topicMatcher } from '../../src/cli/topic-selection.ts'
import { AdminError, BrokerError } from '../../src/errors.ts'

test.each([
  ['PT1H', 3_600_000],
  ['PT1H30M', 5_400_000],
  ['P1DT1S', 86_401_000],
  ['P1W', 604_800_000],
  ['PT0.5S', 500],
  ['90s', 90_000],
  ['5m', 300_000],
  ['250ms', 250],
  ['2d', 172_800_000],
])('the duration %s', (text, ms) => {
  expect(durationMs(text, '--by-duration')).toBe(ms)
})

test.each(['', 'P', 'PT', '5', '1 hour', '-PT1H'])('%j is not a duration', (text) => {
  expect(() => durationMs(text, '--by-duration')).toThrow(UsageError)
})

test.each([
  ['2026-01-31T10:00:00.000', Date.UTC(2026, 0, 31, 10)],
  ['2026-01-31T10:00:00.000Z', Date.UTC(2026, 0, 31, 10)],
  ['2026-01-31T10:00:00+02:00', Date.UTC(2026, 0, 31, 8)],
  ['2026-01-31T10:00', Date.UTC(2026, 0, 31, 10)],
  ['2026-01-31', Date.UTC(2026, 0, 31)],
  ['1700000000000', 1_700_000_000_000],
])('the time %s', (text, ms) => {
  expect(instantMs(text, '--to-datetime')).toBe(ms)
})

test.each(['', 'yesterday', '2026-13-31', '31.01.2026'])('%j is not a time', (text) => {
  expect(() => instantMs(text, '--to-datetime')).toThrow(UsageError)
})

describe('--reset-offsets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-reset-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const reset = (flags: ResetFlags, text?: string) => {
    if (text === undefined) return resetPlan(flags)('g')
    const fromFile = join(folder, 'f.csv')
    writeFileSync(fromFile, text)
    return resetPlan({ ...flags, fromFile })('g')
  }

  test.each([
    [{ toEarliest: true, allTopics: true }, { to: 'earliest' }],
    [
      { toOffset: 5n, topic: ['a'] },
      { to: { offset: 5n }, topics: ['a'] },
    ],
    [
      { shiftBy: -5n, topic: ['a:0,2', 'b'] },
      {
        to: { shiftBy: -5n },
        topics: ['b'],
        partitions: [
          { topic: 'a', partition: 0 },
          { topic: 'a', partition: 2 },
        ],
      },
    ],
    [{ byDuration: 'PT1H', allTopics: true }, { to: { durationMs: 3_600_000 } }],
    [{ toDatetime: '1700000000000', allTopics: true }, { to: { timestamp: 1_700_000_000_000 } }],
  ])('flags %#', (flags, expected) => {
    expect(reset(flags)).toEqual(expected)
  })

  test('a file, of one group and of several', () => {
    const offsets = [{ topic: 'a', partition: 0, offset: 7n }]
    expect(reset({}, 'a,0,7\n')).toEqual({ to: { offsets } })
    expect(reset({}, '"a",0,7\r\n')).toEqual({ to: { offsets } })
    expect(reset({}, 'h,a,0,9\ng,a,0,7')).toEqual({ to: { offsets } })
  })

  test.each([
    [{ allTopics: true }, undefined, 'Say where to reset to'],
    [{ toEarliest: true, toLatest: true, allTopics: true }, undefined, 'by one of'],
    [{ toEarliest: true }, undefined, 'Say what to reset'],
    [{ toEarliest: true, allTopics: true, dryRun: true, execute: true }, undefined, 'not both'],
    [{}, 'a,zero,7', 'f.csv, line 1: expected topic,partition,offset'],
    [{}, '', 'f.csv has no offsets'],
    [{}, 'h,a,0,7', 'f.csv has no offsets for group g'],
    [{}, 'g,a,0,7,8', 'f.csv, line 1'],
  ])('wrong flags %#', (flags, file, message) => {
    expect(() => reset(flags, file)).toThrow(message)
  })
})

test('key=value lists as Kafka takes them', () => {
  const text = 'a=1,b=[x,y],SCRAM-SHA-256=[iterations=8192,password=p]'
  expect(Object.fromEntries(keyValues(text, '--add-config'))).toEqual({
    a: '1',
    b: 'x,y',
    'SCRAM-SHA-256': 'iterations=8192,password=p',
  })
  expect(() => keyValues('password=a,secret', '--add-config')).toThrow(/^(?!.*secret)/)
})

test('topics by name, by list, by regular expression', () => {
  const names = (pattern?: string) => ['a', 'a.b', 'axb', 'c'].filter(topicMatcher(pattern))
  expect(names()).toHaveLength(4)
  expect(names('a')).toEqual(['a'])
  expect(names('a,c')).toEqual(['a', 'c'])
  expect(names('a.*')).toEqual(['a', 'a.b', 'axb'])
  expect(() => names('(')).toThrow(UsageError)
})

describe('output', () => {
  const printed = (json: boolean, print: (out: Output) => void): string => {
    const stream = new PassThrough()
    print(new Output(json, stream))
    return String(stream.read() ?? '')
  }

  test('columns are aligned, figures to the right; nothing is -', () => {
    const rows = [
      { name: 'a', size: 5 as number | null },
      { name: 'long', size: 12345 },
      { name: 'none', size: null },
    ]
    const text = printed(false, (out) =>
      out.rows(rows, [
        { title: 'NAME', of: ({ name }) => name },
        { title: 'SIZE', of: ({ size }) => size },
      ]),
    )
    expect(text).toBe('NAME   SIZE\na         5\nlong  12345\nnone      -\n')
  })

  test('no colour and no control characters of others where it is not a terminal', () => {
    const text = printed(false, (out) => {
      out.heading('Head')
      out.rows([{ id: 'x\u001b[31m' }], [{ title: 'ID', of: ({ id }) => id }])
    })
    expect(text).not.toContain('\u001b')
  })

  test('--json: an object a line, and no other text', () => {
    const text = printed(true, (out) => {
      out.line('for people')
      out.heading('for people')
      out.object({ offset: 5n, key: Buffer.from('k'), list: [1] })
    })
    expect(text).toBe('{"offset":5,"key":"aw==","list":[1]}\n')
  })

  test('a bigint that a double cannot hold is a string', () => {
    expect(toJson({ a: 2n ** 60n, b: 5n })).toBe('{"a":"1152921504606846976","b":5}')
  })
})

test('errors: the item and the reason, not the method; one line each; JSON for programs', () => {
  const broker = (topic: string) =>
    new BrokerError(
      36,
      'TOPIC_ALREADY_EXISTS',
      `createTopics() of topic "${topic}" failed: it exists (TOPIC_ALREADY_EXISTS).`,
      { retriable: false },
    )
  const error = new AdminError('createTopics()', [
    { item: 'topic "a"', value: null, error: broker('a') },
    { item: 'topic "b"', value: null, error: broker('b') },
  ])
  expect(failureText(error, { json: false, debug: false })).toBe(
    'Error: topic "a": it exists (TOPIC_ALREADY_EXISTS).\nError: topic "b": it exists (TOPIC_ALREADY_EXISTS).',
  )
  const [first] = failureText(error, { json: true, debug: false }).split('\n')
  expect(JSON.parse(first)).toMatchObject({
    error: { name: 'BrokerError', codeName: 'TOPIC_ALREADY_EXISTS' },
  })
  expect(failureText(new Error('bug'), { json: false, debug: false })).toContain('at ')
})

describe('a proposed assignment', () => {
  const brokers = (racks: (string | null)[]) =>
    racks.map((rack, i) => ({ nodeId: i + 1, host: 'h', port: 1, rack, isFenced: false }))
  const partitions = (count: number, replicas: number) =>
    Array.from({ length: count }, (_, partition) => ({
      partition,
      leader: 1,
      leaderEpoch: 0,
      replicas: Array.from({ length: replicas }, (_, i) => i + 1),
      isr: [],
      offlineReplicas: [],
      eligibleLeaderReplicas: null,
      lastKnownElr: null,
    }))

  test('leaders and replicas are spread evenly', () => {
    const proposed = proposeAssignment('t', partitions(12, 2), brokers([null, null, null]), false)
    const leaders = proposed.map(({ replicas: [leader] }) => leader)
    for (const id of [1, 2, 3]) expect(leaders.filter((leader) => leader === id)).toHaveLength(4)
    for (const { replicas } of proposed) expect(new Set(replicas).size).toBe(2)
    const all = proposed.flatMap(({ replicas }) => replicas)
    for (const id of [1, 2, 3]) expect(all.filter((replica) => replica === id)).toHaveLength(8)
  })

  test('no rack has two replicas while another has none', () => {
    const racks = ['a', 'a', 'b', 'b', 'c', 'c']
    for (const { replicas } of proposeAssignment('t', partitions(30, 3), brokers(racks), false)) {
      expect(new Set(replicas.map((id) => racks[id - 1])).size).toBe(3)
    }
  })

  test('more replicas than brokers are refused', () => {
    expect(() => proposeAssignment('t', partitions(1, 3), brokers([null]), false)).toThrow(
      '"t" has 3 replicas of each partition, and only 1 brokers are given.',
    )
  })
})

test('progress: count, rate, and the time left by count or by bytes', () => {
  const { isTTY } = process.stderr
  const write = process.stderr.write
  const written: string[] = []
  let now = 1000
  const restore = replaceClock({ monotonicMs: () => now })
  process.stderr.isTTY = true
  process.stderr.write = ((text: string) => written.push(text) > 0) as typeof write
  try {
    const counted = new Progress('read', 1000)
    const sized = new Progress('written', null, 4000)
    now += 2000
    counted.update(200)
    sized.update(50, 1000)
    counted.clear()
  } finally {
    restore()
    process.stderr.write = write
    process.stderr.isTTY = isTTY
  }
  expect(written[0]).toContain('read: 200 of 1,000 (20 %), 100/s, 8 s left')
  expect(written[1]).toContain('written: 50, 25/s, 500 B/s, 25 %, 6 s left')
  expect(written[2]).toBe('\r\u001b[2K')
})
