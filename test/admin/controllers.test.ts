// Controllers in place of brokers (KIP-919), as far as no controller is needed: the option, and calls that are
// refused before anything is sent. The rest is in test/integration/admin.test.ts.

import { expect, test } from 'vitest'
import { ConfigError, UnsupportedVersionError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { failure, startAdmin } from './with-admin.ts'

test.each(['', [], 5, null, {}, () => 'a:1', 'nowhere', 'user:secret@a:1'])(
  'bootstrapControllers %j is refused',
  async (bootstrapControllers) => {
    const kafka = new Kafka({ bootstrapServers: 'a:1' })
    const open = (): unknown => kafka.admin({ bootstrapControllers } as never)
    expect(open).toThrow(ConfigError)
    expect(open).toThrow(/^kafka\.admin\(\): option 'bootstrapControllers'(?!.*secret)/)
    await kafka.close()
  },
)

test('what only brokers do is refused before anything is sent', async () => {
  const kafka = new Kafka({ bootstrapServers: 'a:1' })
  const admin = kafka.admin({ bootstrapControllers: '127.0.0.1:1' })
  const calls = [
    admin.createTopics([{ topic: 't' }], { waitUntilReady: true }),
    admin.describeUserScramCredentials(),
    admin.describeDelegationTokens(),
  ]
  for (const call of calls) {
    const error = await failure(call)
    expect(error).toBeInstanceOf(UnsupportedVersionError)
    expect(error.message).toMatch(/controllers do not .* Leave out 'bootstrapControllers'/)
  }
  await kafka.close()
})

test('brokers that are given as controllers say so at once, however long the call may wait', async () => {
  const { cluster, kafka } = await startAdmin()
  const admin = kafka.admin({ bootstrapControllers: cluster.bootstrapServers })
  const error = await failure(admin.describeCluster({ timeoutMs: 2 ** 31 - 1 }))
  expect(error.message).toMatch(/'bootstrapControllers'/)
})
