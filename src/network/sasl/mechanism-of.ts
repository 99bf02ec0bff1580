// The mechanism that the user's options ask for.

import type { SaslContext, SaslMechanism, SaslSettings } from '../../options/sasl-options.ts'
import { askForSecret } from '../../options/secret-source.ts'
import { checkCredentials, TokenCache } from './credentials.ts'
import { gssapi } from './gssapi.ts'
import { oauthbearer } from './oauthbearer.ts'
import { oidcToken } from './oidc.ts'
import { checkedMechanism } from './own-mechanism.ts'
import { plain } from './plain.ts'
import { scram } from './scram.ts'

export function mechanismOf(settings: SaslSettings): SaslMechanism {
  if (settings.kind === 'own') return checkedMechanism(settings.mechanism)
  if (settings.kind === 'kerberos') return gssapi(settings)
  if (settings.kind === 'token' || settings.kind === 'oidc') {
    const tokens = tokensOf(settings)
    return oauthbearer((context) => tokens.get(context), settings.allowUnencrypted)
  }
  const { mechanism, credentials, tokenAuth, allowUnencrypted } = settings
  const ask = async (context: SaslContext) =>
    checkCredentials(await askForSecret(() => credentials(context)))
  if (mechanism === 'PLAIN') return plain(ask, allowUnencrypted)
  return scram(mechanism, async (context) => ({ ...(await ask(context)), tokenAuth }))
}

type TokenSettings = Extract<SaslSettings, { kind: 'token' | 'oidc' }>

const caches = new WeakMap<TokenSettings, TokenCache>()

/** The settings belong to one client: so does the token. */
function tokensOf(settings: TokenSettings): TokenCache {
  let cache = caches.get(settings)
  if (cache === undefined) {
    cache = new TokenCache(settings.kind === 'token' ? settings.token : oidcToken(settings.load()))
    caches.set(settings, cache)
  }
  return cache
}

/** The broker refused the credentials: those that are kept are not used again. */
export function forgetCredentials(settings: SaslSettings): void {
  if (settings.kind === 'token' || settings.kind === 'oidc') tokensOf(settings).forget()
}
