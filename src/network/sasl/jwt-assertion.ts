// A signed JWT that says who this client is, for the JWT bearer grant (RFC 7523, KIP-1139).

import { wallMs } from '../../async/clock.ts'
import { lazyNode } from '../../lazy-node.ts'
import { checkKey, type OidcSettings } from '../../options/oidc-options.ts'

/** @throws ConfigError if the key cannot sign by the algorithm */
export function signAssertion(privateKey: string, settings: OidcSettings): string {
  checkKey(privateKey, settings)
  const { assertionAlgorithm: alg, assertionTemplate, assertionPrivateKeyPassphrase } = settings
  const nowSeconds = Math.floor(wallMs() / 1000)
  const header = { alg, typ: 'JWT', ...assertionTemplate?.header }
  const payload = {
    ...assertionTemplate?.payload,
    ...claim('iss', settings.assertionClaimIss),
    ...claim('sub', settings.assertionClaimSub),
    ...claim('aud', settings.assertionClaimAud),
    ...(settings.assertionClaimJtiInclude && { jti: lazyNode.crypto.randomUUID() }),
    iat: nowSeconds,
    exp: nowSeconds + settings.assertionClaimExpSeconds,
    nbf: nowSeconds - settings.assertionClaimNbfSeconds,
  }
  const signed = `${part(header)}.${part(payload)}`
  const signature = lazyNode.crypto.sign('sha256', Buffer.from(signed), {
    key: privateKey,
    ...(assertionPrivateKeyPassphrase !== null && { passphrase: assertionPrivateKeyPassphrase }),
    // What JWT wants of ECDSA; without effect on RSA.
    dsaEncoding: 'ieee-p1363',
  })
  return `${signed}.${signature.toString('base64url')}`
}

function claim(name: string, value: string | null): Record<string, string> {
  return value === null ? {} : { [name]: value }
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
