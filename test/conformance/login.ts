// SASL, then ApiVersions: whoever calls the rest is a user, since delegation tokens are for such. Before
// the login a broker answers one ApiVersions only, which has been asked by then.

import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { saslAuthenticate } from '../../src/protocol/messages/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/messages/sasl-handshake.ts'
import type { Conversation } from './conversation.ts'

export async function login(talk: Conversation): Promise<void> {
  await talk.call(saslHandshake, { mechanism: 'PLAIN' })
  await talk.call(saslAuthenticate, { authBytes: Buffer.from('\0alice\0alice-secret') })
  await talk.call(apiVersions, {
    clientSoftwareName: 'kafkawire',
    clientSoftwareVersion: '0.1.0',
    clusterId: null,
    nodeId: -1,
  })
}
