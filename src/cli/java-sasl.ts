// SASL settings of Java's properties: the mechanism, and the credentials in the JAAS configuration.

import { readFileSync } from 'node:fs'
import type { SaslOptions } from '../options/sasl-options.ts'
import { UsageError } from './failures.ts'

const EXAMPLE =
  'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="...";'

/** @throws UsageError for a mechanism or a JAAS configuration that cannot be used; it shows no secret */
export function saslFromJava(
  properties: ReadonlyMap<string, string>,
  isUnencrypted: boolean,
): SaslOptions {
  const mechanism = (properties.get('sasl.mechanism') ?? 'GSSAPI').trim().toUpperCase()
  const jaas = parseJaas(properties.get('sasl.jaas.config'))
  if (mechanism === 'PLAIN' || mechanism === 'SCRAM-SHA-256' || mechanism === 'SCRAM-SHA-512') {
    const username = jaas.get('username')
    const password = jaas.get('password')
    if (username === undefined || password === undefined) {
      throw new UsageError(
        `sasl.mechanism=${mechanism} needs a user name and a password, such as ${EXAMPLE}`,
      )
    }
    if (mechanism === 'PLAIN') {
      // SASL_PLAINTEXT states that there is no TLS.
      return { mechanism, username, password, allowUnencrypted: isUnencrypted }
    }
    return { mechanism, username, password, tokenAuth: jaas.get('tokenauth') === 'true' }
  }
  if (mechanism === 'OAUTHBEARER') return oauthFromJava(properties, jaas)
  if (mechanism === 'GSSAPI') {
    const service = properties.get('sasl.kerberos.service.name') ?? jaas.get('servicename')
    const principal = jaas.get('principal')
    return {
      mechanism,
      ...(service !== undefined && { kerberosServiceName: service.trim() }),
      ...(principal !== undefined && { principal }),
    }
  }
  throw new UsageError(
    `sasl.mechanism=${mechanism} is not supported on the command line: expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI.`,
  )
}

/** A token from a file (KIP-1139's jwt file), or from a token endpoint by client credentials (KIP-768). */
function oauthFromJava(
  properties: ReadonlyMap<string, string>,
  jaas: ReadonlyMap<string, string>,
): SaslOptions {
  const url = properties.get('sasl.oauthbearer.token.endpoint.url')
  if (url === undefined) {
    throw new UsageError(
      'sasl.mechanism=OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url: the address of the token endpoint, or file:///path of a file with a token.',
    )
  }
  if (url.startsWith('file:')) {
    return {
      mechanism: 'OAUTHBEARER',
      token: () => ({ token: readFileSync(new URL(url), 'utf8').trim() }),
    }
  }
  const clientId =
    properties.get('sasl.oauthbearer.client.credentials.client.id') ?? jaas.get('clientid')
  const clientSecret =
    properties.get('sasl.oauthbearer.client.credentials.client.secret') ?? jaas.get('clientsecret')
  if (clientId === undefined || clientSecret === undefined) {
    throw new UsageError(
      'sasl.mechanism=OAUTHBEARER needs clientId and clientSecret in sasl.jaas.config, or the properties sasl.oauthbearer.client.credentials.client.id and .secret.',
    )
  }
  const scope = properties.get('sasl.oauthbearer.scope') ?? jaas.get('scope')
  return {
    mechanism: 'OAUTHBEARER',
    tokenEndpointUrl: url,
    clientId,
    clientSecret,
    ...(scope !== undefined && { scope }),
    headerUrlencode: properties.get('sasl.oauthbearer.header.urlencode')?.trim() === 'true',
    // As Java, which takes any URL.
    allowUnencrypted: url.startsWith('http:'),
  }
}

/** The options of the one login module of a JAAS configuration, names in lower case. */
function parseJaas(text: string | undefined): Map<string, string> {
  const options = new Map<string, string>()
  if (text === undefined) return options
  const match = /^\s*[\w.$]+\s+(required|requisite|sufficient|optional)\s*(.*?);?\s*$/is.exec(text)
  if (match === null) throw new UsageError(`sasl.jaas.config is not valid. Write it as ${EXAMPLE}`)
  const pattern = /([\w.]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/g
  for (const [, name, double, single, bare] of match[2].matchAll(pattern)) {
    const value = double ?? single ?? bare ?? ''
    options.set(name.toLowerCase(), value.replaceAll(/\\(.)/g, '$1'))
  }
  return options
}
