// ACLs, quotas, SCRAM credentials, delegation tokens and telemetry.

import { alterClientQuotas } from '../../src/protocol/messages/alter-client-quotas.ts'
import { alterUserScramCredentials } from '../../src/protocol/messages/alter-user-scram-credentials.ts'
import { createAcls } from '../../src/protocol/messages/create-acls.ts'
import { createDelegationToken } from '../../src/protocol/messages/create-delegation-token.ts'
import { deleteAcls } from '../../src/protocol/messages/delete-acls.ts'
import { describeAcls } from '../../src/protocol/messages/describe-acls.ts'
import { describeClientQuotas } from '../../src/protocol/messages/describe-client-quotas.ts'
import { describeDelegationToken } from '../../src/protocol/messages/describe-delegation-token.ts'
import { describeUserScramCredentials } from '../../src/protocol/messages/describe-user-scram-credentials.ts'
import { expireDelegationToken } from '../../src/protocol/messages/expire-delegation-token.ts'
import { renewDelegationToken } from '../../src/protocol/messages/renew-delegation-token.ts'
import type { Conversation } from './conversation.ts'
import type { TestTopic } from './topics.ts'

const TOPIC = 2
const LITERAL = 3
const READ = 3
const ALLOW = 3
const SHA_256 = 1

export async function aclCalls(talk: Conversation, { name }: TestTopic): Promise<void> {
  await talk.call(createAcls, {
    creations: [
      {
        resourceType: TOPIC,
        resourceName: name,
        resourcePatternType: LITERAL,
        principal: 'User:bob',
        host: '*',
        operation: READ,
        permissionType: ALLOW,
      },
    ],
  })
  const filter = {
    resourceTypeFilter: TOPIC,
    resourceNameFilter: name,
    patternTypeFilter: LITERAL,
    principalFilter: 'User:bob',
    hostFilter: null,
    operation: READ,
    permissionType: ALLOW,
  }
  await talk.callUntil(describeAcls, filter, ({ resources }) => resources.length === 1)
  await talk.call(deleteAcls, { filters: [filter] })
}

export async function quotaCalls(talk: Conversation): Promise<void> {
  await talk.call(alterClientQuotas, {
    entries: [
      {
        entity: [{ entityType: 'user', entityName: 'bob' }],
        ops: [{ key: 'producer_byte_rate', value: 1e9, remove: false }],
      },
    ],
    validateOnly: false,
  })
  await talk.callUntil(
    describeClientQuotas,
    { components: [{ entityType: 'user', matchType: 0, match: 'bob' }], strict: true },
    ({ entries }) => entries?.length === 1,
  )
  await talk.call(alterUserScramCredentials, {
    deletions: [],
    upsertions: [
      {
        name: 'bob',
        mechanism: SHA_256,
        iterations: 4096,
        salt: Buffer.from('salt'),
        saltedPassword: Buffer.alloc(32, 7),
      },
    ],
  })
  await talk.callUntil(
    describeUserScramCredentials,
    { users: [{ name: 'bob' }] },
    ({ results }) => results[0].credentialInfos.length === 1,
    ['RESOURCE_NOT_FOUND'],
  )
}

export async function tokenCalls(talk: Conversation): Promise<void> {
  const token = await talk.call(createDelegationToken, {
    ownerPrincipalType: '',
    ownerPrincipalName: '',
    renewers: [{ principalType: 'User', principalName: 'bob' }],
    maxLifetimeMs: 3_600_000n,
  })
  const hmac = token?.hmac ?? Buffer.alloc(0)
  await talk.callUntil(describeDelegationToken, { owners: null }, ({ tokens }) => tokens.length > 0)
  await talk.call(renewDelegationToken, { hmac, renewPeriodMs: 1_800_000n })
  await talk.call(expireDelegationToken, { hmac, expiryTimePeriodMs: -1n })
}
