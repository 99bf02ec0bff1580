// A mechanism of the user's own: what it gives is checked before it is used or sent, and never quoted.

import { watchRejection } from '../../async/rejections.ts'
import { ConfigError, kindOf } from '../../errors.ts'
import type { SaslExchange, SaslMechanism } from '../../options/sasl-options.ts'
import { askForSecret } from '../../options/secret-source.ts'

/** @returns the same mechanism, whose exchanges throw ConfigError where they give what cannot be sent */
export function checkedMechanism(mechanism: SaslMechanism): SaslMechanism {
  const { name } = mechanism
  return {
    name,
    begin(context) {
      const exchange: unknown = mechanism.begin(context)
      if (isExchange(exchange)) return checkedExchange(name, exchange)
      watchRejection(exchange, () => {})
      throw new ConfigError(
        `option 'sasl': begin() of mechanism ${name} must return { user, start, next }, got ${kindOf(exchange)}`,
      )
    },
  }
}

function checkedExchange(name: string, exchange: SaslExchange): SaslExchange {
  const checkBytes = (bytes: unknown, call: string, more: string): Buffer => {
    if (bytes instanceof Uint8Array)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    throw new ConfigError(
      `option 'sasl': ${call} of mechanism ${name} must give a Buffer${more}, got ${kindOf(bytes)}`,
    )
  }
  return {
    get user() {
      return typeof exchange.user === 'string' ? exchange.user : ''
    },
    get principal() {
      const { principal } = exchange
      return typeof principal === 'string' || principal === null ? principal : undefined
    },
    start: async () => checkBytes(await askForSecret(() => exchange.start()), 'start()', ''),
    next: async (challenge) => {
      const bytes: unknown = await askForSecret(() => exchange.next(challenge))
      return bytes === null ? null : checkBytes(bytes, 'next()', ', or null at the end')
    },
  }
}

function isExchange(value: unknown): value is SaslExchange {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'start') === 'function' &&
    typeof Reflect.get(value, 'next') === 'function'
  )
}
