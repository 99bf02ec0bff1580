// SASL GSSAPI (RFC 4752): Kerberos 5, by the package `kerberos`, which the user installs. That package talks
// to the system's Kerberos library, so that tickets and keytabs are found as `kinit` and `klist` find them.

import { AuthenticationError, ConfigError, causeText } from '../../errors.ts'
import { requireOptional } from '../../optional-package.ts'
import type { SaslContext, SaslExchange, SaslMechanism } from '../../options/sasl-options.ts'

/** What is used of the package `kerberos`. */
interface KerberosPackage {
  initializeClient(service: string, options: object): Promise<KerberosClient>
  GSS_MECH_OID_KRB5: number
  GSS_C_MUTUAL_FLAG: number
  GSS_C_SEQUENCE_FLAG: number
  GSS_C_INTEG_FLAG: number
}

interface KerberosClient {
  readonly contextComplete: boolean
  readonly username: string
  step(challenge: string): Promise<string | null>
  unwrap(challenge: string): Promise<string>
  wrap(message: string, options?: object): Promise<string>
}

export interface GssapiSettings {
  /** The first part of the brokers' principals, such as `kafka`. */
  serviceName: string
  /** The client's principal; null: the default of the credentials cache or keytab. */
  principal: string | null
}

/** "No security layer": TLS protects what is sent, or nothing does. */
const NO_SECURITY_LAYER = 1

export function gssapi(settings: GssapiSettings): SaslMechanism {
  return { name: 'GSSAPI', begin: (context) => new GssapiExchange(settings, context) }
}

class GssapiExchange implements SaslExchange {
  user = ''
  readonly principal: string | null
  private readonly settings: GssapiSettings
  private readonly context: SaslContext
  private client: KerberosClient | null = null
  private step: 'context' | 'layer' | 'done' = 'context'

  constructor(settings: GssapiSettings, context: SaslContext) {
    this.settings = settings
    this.context = context
    this.user = settings.principal ?? ''
    // By Kafka's default rules, without host and realm.
    this.principal =
      settings.principal === null ? null : `User:${settings.principal.split(/[/@]/)[0]}`
  }

  async start(): Promise<Buffer> {
    const kerberos = load()
    const { serviceName, principal } = this.settings
    const { GSS_C_MUTUAL_FLAG, GSS_C_SEQUENCE_FLAG, GSS_C_INTEG_FLAG } = kerberos
    const client = await this.attempt(() =>
      kerberos.initializeClient(`${serviceName}@${this.context.host}`, {
        mechOID: kerberos.GSS_MECH_OID_KRB5,
        gssFlag: GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_INTEG_FLAG,
        ...(principal !== null && { principal }),
      }),
    )
    this.client = client
    return this.continueContext(client, '')
  }

  async next(challenge: Buffer): Promise<Buffer | null> {
    const { client } = this
    if (client === null) throw this.error('the exchange was not started')
    const input = challenge.toString('base64')
    if (this.step === 'context') {
      // The broker's last token proves who it is; the context is complete with it, or before.
      if (!client.contextComplete) return this.continueContext(client, input)
      this.step = 'layer'
    }
    if (this.step === 'layer') {
      this.step = 'done'
      return this.chooseLayer(client, input)
    }
    return null
  }

  private async continueContext(client: KerberosClient, input: string): Promise<Buffer> {
    const output = await this.attempt(() => client.step(input))
    if (client.contextComplete) {
      this.step = 'layer'
      if (this.user === '') this.user = client.username ?? ''
    }
    return Buffer.from(output ?? '', 'base64')
  }

  /** The broker offers security layers; the response chooses none, and names no other identity. */
  private async chooseLayer(client: KerberosClient, input: string): Promise<Buffer> {
    const offer = Buffer.from(await this.attempt(() => client.unwrap(input)), 'base64')
    if (offer.length < 4 || (offer[0] & NO_SECURITY_LAYER) === 0) {
      throw this.error('the broker insists on a security layer, which Kafka does not use')
    }
    const choice = Buffer.from([NO_SECURITY_LAYER, 0, 0, 0]).toString('base64')
    return Buffer.from(await this.attempt(() => client.wrap(choice)), 'base64')
  }

  private async attempt<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      throw this.error(causeText(cause), cause)
    }
  }

  private error(problem: string, cause?: unknown): AuthenticationError {
    const { serviceName } = this.settings
    const who = this.user === '' ? '' : ` as '${this.user}'`
    return new AuthenticationError(
      `SASL GSSAPI${who} for service ${serviceName}/${this.context.host}: ${problem}`,
      { cause },
    )
  }
}

function load(): KerberosPackage {
  try {
    return requireOptional<KerberosPackage>('kerberos')
  } catch (cause) {
    throw new ConfigError(
      `SASL GSSAPI needs the package 'kerberos': npm install kerberos (${causeText(cause).split('\n')[0]})`,
      { cause },
    )
  }
}
