// What a user's `connect` throws may be anything, also what has no form as text.

import { expect, test } from 'vitest'
import { ConnectionError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'

const thrown: [string, unknown][] = [
  ['an object without a prototype', Object.create(null)],
  ['a symbol', Symbol('s')],
  ['undefined', undefined],
  [
    'an object whose text throws',
    {
      toString: () => {
        throw new Error('no text')
      },
    },
  ],
]

test.each(thrown)('connect() says so when option connect throws %s', async (_, value) => {
  const kafka = new Kafka({
    bootstrapServers: 'localhost:1',
    logger: silentLogger,
    connect: () => {
      throw value
    },
  })
  const error = await kafka.connect({ timeoutMs: 3000 }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ConnectionError)
  expect((error as Error).message).toMatch(/localhost:1/)
  expect((error as Error).message).not.toMatch(/Cannot convert|no text/)
  await kafka.close()
})
