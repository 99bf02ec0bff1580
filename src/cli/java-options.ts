// Java's client properties as options of this client. The names are the same, but for dots; what differs
// is in the tables below. What this client does not know is named in a warning, as Java does.

import { type AdminOptions, adminOptionTable } from '../admin/options.ts'
import type { ConsumerOptions } from '../consumer/options.ts'
import { consumerOptionTable } from '../consumer/options.ts'
import { clusterOptionTable, type KafkaOptions } from '../options/kafka-options.ts'
import type { TlsOptions } from '../options/ssl-options.ts'
import { type ProducerOptions, producerOptionTable } from '../producer/options.ts'
import { UsageError } from './failures.ts'
import { readInputBytes } from './input-files.ts'
import { saslFromJava } from './java-sasl.ts'

/** What a set of properties says to each kind of client. */
export interface JavaOptions {
  connection: Omit<KafkaOptions, 'bootstrapServers'> & {
    bootstrapServers?: string
    bootstrapControllers?: string
  }
  producer: ProducerOptions
  consumer: ConsumerOptions
  admin: AdminOptions
  /** Properties that have no meaning here. */
  unknown: string[]
}

/** Properties that Java has and that nothing here corresponds to: they change nothing of what is done. */
const withoutEffect = new Set([
  'key.serializer',
  'value.serializer',
  'key.deserializer',
  'value.deserializer',
  'metric.reporters',
  'metrics.num.samples',
  'metrics.recording.level',
  'metrics.sample.window.ms',
  'auto.include.jmx.reporter',
  'interceptor.classes',
  'security.providers',
  'send.buffer.bytes',
  'receive.buffer.bytes',
  'sasl.client.callback.handler.class',
  'sasl.login.class',
  'ssl.protocol',
  'ssl.provider',
  'ssl.keymanager.algorithm',
  'ssl.trustmanager.algorithm',
  'ssl.secure.random.implementation',
  'ssl.engine.factory.class',
])

const renamed: Record<string, string> = {
  'delivery.timeout.ms': 'deliveryTimeoutMs',
  'partition.assignment.strategy': 'partitionAssignors',
  'partitioner.ignore.keys': 'partitionerIgnoreKeys',
}

const acksNames: Record<string, -1 | 0 | 1> = { all: -1, '-1': -1, '0': 0, '1': 1 }

const assignorNames: Record<string, string> = {
  RangeAssignor: 'range',
  RoundRobinAssignor: 'roundrobin',
  StickyAssignor: 'cooperative-sticky',
  CooperativeStickyAssignor: 'cooperative-sticky',
}

/** @throws UsageError naming the property whose value cannot be used */
export function optionsFromJava(properties: ReadonlyMap<string, string>): JavaOptions {
  const options: JavaOptions = {
    connection: {},
    producer: {},
    consumer: {},
    admin: {},
    unknown: [],
  }
  for (const [key, value] of properties) {
    if (isSecurity(key) || withoutEffect.has(key)) continue
    const name = renamed[key] ?? camelCase(key)
    if (name === 'bootstrapControllers') {
      options.connection[name] = value.trim()
      continue
    }
    const tables = [
      [clusterOptionTable, options.connection],
      [producerOptionTable, options.producer],
      [consumerOptionTable, options.consumer],
      [adminOptionTable, options.admin],
    ] as const
    let isKnown = false
    for (const [table, target] of tables) {
      if (!Object.hasOwn(table, name)) continue
      const spec: unknown = Reflect.get(table, name)
      const parsed = parsedValue(key, name, value, Reflect.get(Object(spec), 'default'))
      Reflect.set(target, name, parsed)
      isKnown = true
    }
    if (!isKnown) options.unknown.push(key)
  }
  addSecurity(properties, options.connection)
  return options
}

function isSecurity(key: string): boolean {
  return key === 'security.protocol' || key.startsWith('ssl.') || key.startsWith('sasl.')
}

function camelCase(key: string): string {
  return key.replaceAll(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** The text as the type that the option's default has. */
function parsedValue(key: string, name: string, text: string, example: unknown): unknown {
  const value = text.trim()
  if (name === 'acks') {
    if (Object.hasOwn(acksNames, value)) return acksNames[value]
    throw new UsageError(`acks=${value}: expected all, -1, 0 or 1.`)
  }
  if (name === 'partitionAssignors') {
    return value.split(',').map((entry) => {
      const short = entry.trim().split('.').at(-1) ?? ''
      return assignorNames[short] ?? short
    })
  }
  if (name === 'bootstrapServers') return value
  if (typeof example === 'number' || /Ms$|Bytes$|Size$|^retries$|Records$/.test(name)) {
    const number = Number(value)
    if (value !== '' && Number.isFinite(number)) return number
    throw new UsageError(`${key}=${value}: expected a number.`)
  }
  if (typeof example === 'boolean') {
    const word = value.toLowerCase()
    if (word === 'true' || word === 'false') return word === 'true'
    throw new UsageError(`${key}=${value}: expected true or false.`)
  }
  return value
}

function addSecurity(
  properties: ReadonlyMap<string, string>,
  connection: JavaOptions['connection'],
): void {
  const protocol = (properties.get('security.protocol') ?? 'PLAINTEXT').trim().toUpperCase()
  if (!['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].includes(protocol)) {
    throw new UsageError(
      `security.protocol=${protocol}: expected PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.`,
    )
  }
  if (protocol.endsWith('SSL')) connection.ssl = tlsFromJava(properties)
  if (protocol.startsWith('SASL')) {
    connection.sasl = saslFromJava(properties, protocol === 'SASL_PLAINTEXT')
  }
}

function tlsFromJava(properties: ReadonlyMap<string, string>): TlsOptions {
  const tls: TlsOptions = {}
  const get = (key: string): string | undefined => properties.get(`ssl.${key}`)
  const type = (kind: string): string => (get(`${kind}.type`) ?? 'JKS').toUpperCase()
  const trusted = get('truststore.certificates')
  const trustFile = get('truststore.location')
  if (trusted !== undefined) tls.ca = trusted
  else if (trustFile !== undefined) {
    if (type('truststore') === 'PEM' || /\.(pem|crt|cer)$/i.test(trustFile)) {
      tls.ca = readKeyFile('ssl.truststore.location', trustFile)
    } else {
      throw new UsageError(
        `ssl.truststore.location=${trustFile}: a trust store must be PEM here. Export it with keytool -exportcert -rfc, and set ssl.truststore.type=PEM.`,
      )
    }
  }
  const chain = get('keystore.certificate.chain')
  const key = get('keystore.key')
  const keyFile = get('keystore.location')
  if (chain !== undefined || key !== undefined) {
    if (chain !== undefined) tls.cert = chain
    if (key !== undefined) tls.key = key
  } else if (keyFile !== undefined) {
    const bytes = readKeyFile('ssl.keystore.location', keyFile)
    if (type('keystore') === 'PEM' || /\.pem$/i.test(keyFile)) {
      tls.cert = bytes
      tls.key = bytes
    } else if (type('keystore') === 'PKCS12' || /\.(p12|pfx)$/i.test(keyFile)) {
      tls.pfx = bytes
    } else {
      throw new UsageError(
        `ssl.keystore.location=${keyFile}: JKS key stores are not supported. Convert it with keytool -importkeystore -deststoretype PKCS12, and set ssl.keystore.type=PKCS12.`,
      )
    }
  }
  const passphrase = get('key.password') ?? get('keystore.password')
  if (passphrase !== undefined) tls.passphrase = passphrase
  const protocols = get('enabled.protocols')
  if (protocols !== undefined && !protocols.includes('TLSv1.2')) tls.minVersion = 'TLSv1.3'
  const ciphers = get('cipher.suites')
  if (ciphers !== undefined && ciphers !== '') tls.ciphers = ciphers.replaceAll(',', ':')
  if (properties.get('ssl.endpoint.identification.algorithm') === '') {
    tls.checkServerIdentity = () => undefined
  }
  return tls
}

function readKeyFile(key: string, path: string): Buffer {
  try {
    return readInputBytes(path)
  } catch (error) {
    if (error instanceof UsageError)
      throw new UsageError(`${key}=${error.message}`, { cause: error })
    throw error
  }
}
