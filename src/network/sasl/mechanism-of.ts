// The mechanism that the user's options ask for.

import type { SaslMechanism, SaslSettings } from '../../options/kafka-options.ts'
import { oauthbearer } from './oauthbearer.ts'
import { plain } from './plain.ts'
import { scram } from './scram.ts'

export function mechanismOf(settings: SaslSettings): SaslMechanism {
  if (settings.kind === 'own') return settings.mechanism
  if (settings.kind === 'token') return oauthbearer(settings.token)
  const { mechanism, credentials, tokenAuth, allowUnencrypted } = settings
  if (mechanism === 'PLAIN') return plain(credentials, allowUnencrypted)
  return scram(mechanism, async (context) => ({ ...(await credentials(context)), tokenAuth }))
}
