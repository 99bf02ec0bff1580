// Every error has a stable code besides its class, and is plain data in a log line.

import { describe, expect, test } from 'vitest'
import * as errors from '../src/errors.ts'

const { KafkaError, toKafkaError } = errors

const where = { persisted: 'maybe', attempts: 2, topic: 't', partition: 1 } as const
const made: readonly (readonly [string, errors.KafkaError])[] = [
  ['ERR_KAFKA_UNEXPECTED', new KafkaError('x')],
  ['ERR_KAFKA_BROKER', new errors.BrokerError(3, 'UNKNOWN', 'x', { retriable: true })],
  ['ERR_KAFKA_CONNECTION', new errors.ConnectionError('x')],
  ['ERR_KAFKA_AUTHENTICATION', new errors.AuthenticationError('x')],
  ['ERR_KAFKA_TIMEOUT', new errors.TimeoutError('x')],
  ['ERR_KAFKA_DELIVERY', new errors.DeliveryError('x', where)],
  ['ERR_KAFKA_DELIVERY_TIMEOUT', new errors.DeliveryTimeoutError('x', where)],
  ['ERR_KAFKA_BATCH_DELIVERY', new errors.BatchDeliveryError('x', { results: [] })],
  [
    'ERR_KAFKA_ADMIN',
    new errors.AdminError('x()', [{ item: 'a', value: null, error: new KafkaError('x') }]),
  ],
  ['ERR_KAFKA_UNSUPPORTED_VERSION', new errors.UnsupportedVersionError('x')],
  ['ERR_KAFKA_DECODE', new errors.DecodeError('x')],
  ['ERR_KAFKA_CONFIG', new errors.ConfigError('x')],
  ['ERR_KAFKA_INVALID_ARGUMENT', new errors.InvalidArgumentError('x')],
  ['ERR_KAFKA_CLOSED', new errors.ClosedError('x')],
  ['ERR_KAFKA_FENCED', new errors.FencedError('x')],
  ['ERR_KAFKA_INVALID_TRANSACTION_STATE', new errors.InvalidTransactionStateError('x')],
  ['ERR_KAFKA_TRANSACTION_ABORTABLE', new errors.TransactionAbortableError('x')],
  ['ERR_KAFKA_OUTCOME_UNKNOWN', new errors.OutcomeUnknownError('x')],
  ['ERR_KAFKA_COMMIT_FAILED', new errors.CommitFailedError('x')],
  ['ERR_KAFKA_ACKNOWLEDGEMENT', new errors.AcknowledgementError('x', { results: [] })],
  ['ERR_KAFKA_BUFFER_EXHAUSTED', new errors.BufferExhaustedError('x')],
  ['ERR_KAFKA_OFFSET_OUT_OF_RANGE', new errors.OffsetOutOfRangeError('x')],
  ['ERR_KAFKA_ACKNOWLEDGEMENT', new errors.AcknowledgementError('x', { results: [] })],
  ['ERR_KAFKA_SCHEMA_REGISTRY', new errors.SchemaRegistryError('x')],
  ['ERR_KAFKA_SERIALIZATION', new errors.SerializationError('x', { topic: 't', part: 'key' })],
  [
    'ERR_KAFKA_DESERIALIZATION',
    new errors.DeserializationError('x', {
      topic: 't',
      partition: 0,
      offset: 2n ** 60n,
      part: 'key',
      rawKey: Buffer.from('secret'),
      rawValue: null,
    }),
  ],
]

describe('the code of an error', () => {
  test.each(made)('%s', (code, error) => {
    expect(error.code).toBe(code)
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      name: error.name,
      code,
      message: 'x',
      retriable: error.retriable,
    })
  })

  test('every class has one, and no two classes share one', () => {
    const classes = Object.values(errors).filter(
      (value) =>
        typeof value === 'function' &&
        (value === KafkaError || value.prototype instanceof KafkaError),
    )
    expect(new Set(made.map(([, error]) => error.constructor))).toEqual(new Set(classes))
    expect(new Set(made.map(([code]) => code)).size).toBe(classes.length)
  })
})

describe('toJSON', () => {
  test('bigints are strings, buffers are lengths', () => {
    const json = JSON.stringify(made.at(-1)?.[1])
    expect(JSON.parse(json)).toMatchObject({
      offset: `${2n ** 60n}`,
      rawKey: '<6 bytes>',
      rawValue: null,
    })
    expect(json).not.toContain('secret')
  })

  test('results of a batch, with metadata and errors', () => {
    const error = new errors.BatchDeliveryError('x', {
      results: [
        { metadata: { offset: 5n }, error: null },
        { metadata: null, error: new errors.DeliveryError('y', where) },
      ],
    })
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({
      results: [
        { metadata: { offset: '5' }, error: null },
        { metadata: null, error: { code: 'ERR_KAFKA_DELIVERY', persisted: 'maybe', topic: 't' } },
      ],
    })
  })

  test('causes are included, without the fields that foreign errors carry', () => {
    const root = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', password: 'hunter2' })
    const error = new KafkaError('outer', {
      cause: new AggregateError([root], 'all failed', { cause: root }),
    })
    const json = JSON.stringify(error)
    expect(JSON.parse(json)).toMatchObject({
      cause: {
        name: 'AggregateError',
        errors: [{ message: 'refused', code: 'ECONNREFUSED' }],
        cause: { message: 'refused' },
      },
    })
    expect(json).not.toContain('hunter2')
  })

  test('a cause in a circle, or a chain without end, is cut off', () => {
    const circle = new KafkaError('a', { cause: new Error('b') })
    Object.assign(circle.cause as object, { cause: circle })
    expect(JSON.stringify(circle)).toContain('<circular>')
    let chain: errors.KafkaError = new KafkaError('root')
    for (let i = 0; i < 1000; i++) chain = new KafkaError(`${i}`, { cause: chain })
    expect(JSON.stringify(chain).length).toBeLessThan(2000)
  })
})

describe('toKafkaError', () => {
  test('a member of the family stays itself', () => {
    const error = new errors.ClosedError('x')
    expect(toKafkaError(error, 'send()')).toBe(error)
  })

  test('anything else becomes the cause of a KafkaError', () => {
    const cause = new Error('boom')
    expect(toKafkaError(cause)).toMatchObject({ message: 'boom', cause, retriable: false })
    expect(toKafkaError('boom', 'send() failed')).toMatchObject({
      message: 'send() failed: boom',
      cause: 'boom',
    })
  })
})

describe('a value in a message', () => {
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['5', '"5" (string)'],
    ['x'.repeat(100), `"${'x'.repeat(60)}..." (string)`],
    [5n, '5n (bigint)'],
    [Number.NaN, 'NaN (number)'],
    [false, 'false (boolean)'],
    [[1], 'an array'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
    [new Date(0), 'an object (Date)'],
    [Promise.resolve(), 'a promise'],
    [() => {}, 'a function'],
    [Symbol('s'), 'a symbol'],
    ['-----BEGIN PRIVATE KEY-----', 'a string (not shown)'],
  ])('%#: %o', (value, text) => {
    expect(errors.describeValue(value)).toBe(text)
  })
})

describe('what a broker says', () => {
  test('cannot command a terminal, whatever class it ends up in', () => {
    const { message } = new KafkaError('a\u001b[31mred\r\u0007\u202e\u0085b\nc')
    expect(message).toBe('a\\u001b[31mred\\u000d\\u0007\\u202e\\u0085b\nc')
  })

  test('stands on one line, and is cut off', () => {
    expect(errors.escapeText('no\n2026-01-01 ERROR all is lost')).toBe(
      'no\\n2026-01-01 ERROR all is lost',
    )
    expect(errors.escapeText('x'.repeat(10_000)).length).toBe(500)
  })
})
