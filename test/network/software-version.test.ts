// Brokers show operators which client software is connected (KIP-511): it must be the one that is.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CLIENT_SOFTWARE_VERSION } from '../../src/network/handshake.ts'

test('the version told to brokers is that of the package', () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  expect(CLIENT_SOFTWARE_VERSION).toBe(version)
})
