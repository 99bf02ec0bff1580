// pino, winston and console get all there is to a line; what repeats is limited; each client is named.

import { Writable } from 'node:stream'
import pino from 'pino'
import { afterEach, describe, expect, test, vi } from 'vitest'
import winston from 'winston'
import { replaceClock } from '../../src/async/clock.ts'
import { BrokerError, ConnectionError } from '../../src/errors.ts'
import type { Logger } from '../../src/logger.ts'
import { openLogger } from '../../src/options/open-logger.ts'

let restore = (): void => {}
afterEach(() => {
  restore()
  vi.restoreAllMocks()
})

const bindings = { client: 'producer', clientId: 'shop' }
const error = new ConnectionError('lost', {
  cause: new BrokerError(3, 'UNKNOWN_TOPIC_OR_PARTITION', 'no', { retriable: true }),
})
const details = { error, nodeId: 2, offset: 2n ** 60n, nested: { last: 5n } }

/** Lines of JSON as they are written. */
function sink(): { stream: Writable; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line))
      done()
    },
  })
  return { stream, lines }
}

test('pino keeps the message, the details, and the error with its causes', () => {
  const { stream, lines } = sink()
  openLogger(pino({ level: 'debug' }, stream), bindings).warn('it failed', details)
  expect(lines).toMatchObject([
    {
      level: 40,
      msg: 'it failed',
      client: 'producer',
      clientId: 'shop',
      nodeId: 2,
      offset: `${2n ** 60n}`,
      nested: { last: '5' },
      err: { type: 'ConnectionError', code: 'ERR_KAFKA_CONNECTION', stack: expect.any(String) },
    },
  ])
  expect(JSON.stringify(lines)).toContain('caused by: BrokerError: no')
})

test('winston keeps the message, the details, and the error with its causes', () => {
  const { stream, lines } = sink()
  const given = winston.createLogger({
    level: 'debug',
    format: winston.format.json(),
    transports: [new winston.transports.Stream({ stream })],
  })
  openLogger(given, bindings).error('it failed', details)
  expect(lines).toMatchObject([
    {
      level: 'error',
      message: 'it failed',
      client: 'producer',
      clientId: 'shop',
      nodeId: 2,
      offset: `${2n ** 60n}`,
      nested: { last: '5' },
      error: {
        code: 'ERR_KAFKA_CONNECTION',
        message: 'lost',
        stack: expect.any(String),
        cause: { errorCode: 3, codeName: 'UNKNOWN_TOPIC_OR_PARTITION' },
      },
    },
  ])
})

test('all levels arrive at both', () => {
  const [one, two] = [sink(), sink()]
  const given: Logger[] = [
    pino({ level: 'debug' }, one.stream),
    winston.createLogger({
      level: 'debug',
      format: winston.format.json(),
      transports: [new winston.transports.Stream({ stream: two.stream })],
    }),
  ]
  for (const logger of given) {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      openLogger(logger, {})[level](`at ${level}`)
    }
  }
  expect(one.lines.map(({ level }) => level)).toEqual([20, 30, 40, 50])
  expect(two.lines.map(({ level }) => level)).toEqual(['debug', 'info', 'warn', 'error'])
})

describe('console', () => {
  function spies(): { [Level in 'debug' | 'info' | 'warn' | 'error']: unknown[][] } {
    const calls = { debug: [], info: [], warn: [], error: [] } as Record<string, unknown[][]>
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((...args) => void calls[level].push(args))
    }
    return calls as ReturnType<typeof spies>
  }

  test('given: all levels, with the client in front', () => {
    const calls = spies()
    const logger = openLogger(console, bindings)
    logger.debug('one')
    logger.warn('two', details)
    expect(calls.debug).toEqual([['[kafkawire producer shop] one']])
    expect(calls.warn).toEqual([['[kafkawire producer shop] two', details]])
  })

  test('not given: warnings and errors go there, once if the error is the line', () => {
    const calls = spies()
    const logger = openLogger(null, {})
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      logger[level]('it was lost', { error })
    }
    expect(calls).toEqual({
      debug: [],
      info: [],
      warn: [['[kafkawire] it was lost']],
      error: [['[kafkawire] it was lost']],
    })
  })
})

/** A logger of the user's own. */
function own(): { logger: Logger; lines: [string, string, unknown][] } {
  const lines: [string, string, unknown][] = []
  const write = (level: string) => (message: string, given?: object) => {
    lines.push([level, message, given])
  }
  return {
    lines,
    logger: { debug: write('d'), info: write('i'), warn: write('w'), error: write('e') },
  }
}

test('a logger of your own gets the details as they are, and who logs', () => {
  const { logger, lines } = own()
  openLogger(logger, bindings).info('hello', details)
  expect(lines).toEqual([['i', 'hello', { ...bindings, ...details }]])
})

test('a line that repeats is written every 30 s, with how many were not', () => {
  let now = 0
  restore = replaceClock({ monotonicMs: () => now })
  const { logger, lines } = own()
  const limited = openLogger(logger, {})
  for (let i = 0; i < 65; i++) {
    limited.warn(`attempt ${i} to node 1 failed`, { i })
    limited.error('another')
    now += 1000
  }
  expect(lines.filter(([level]) => level === 'w')).toEqual([
    ['w', 'attempt 0 to node 1 failed', { i: 0 }],
    ['w', 'attempt 30 to node 1 failed', { i: 30, suppressed: 29 }],
    ['w', 'attempt 60 to node 1 failed', { i: 60, suppressed: 29 }],
  ])
  expect(lines.filter(([level]) => level === 'e').length).toBe(3)
  limited.debug('x')
  limited.debug('x')
  expect(lines.filter(([level]) => level === 'd').length).toBe(2)
})

test('a logger that throws ends nothing', () => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => {})
  const { logger } = own()
  logger.warn = () => {
    throw new Error('disk full')
  }
  openLogger(logger, {}).warn('x')
  expect(told).toHaveBeenCalledTimes(1)
})

test('a logger that is async and rejects ends nothing', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  const rejects = async (): Promise<void> => {
    throw new Error('no disk')
  }
  const child = { debug: rejects, info: rejects, warn: rejects, error: rejects }
  const pinoLike = { ...child, bindings: () => ({}), child: () => child }
  for (const given of [child, pinoLike] as Logger[]) {
    const logger = openLogger(given, bindings)
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]('a line')
  }
  await new Promise((resolve) => setTimeout(resolve, 10))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
  expect(printed).toHaveBeenCalledTimes(8)
})
