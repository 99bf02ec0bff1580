// GSSAPI against a real KDC and a real broker, by the package `kerberos`.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AuthenticationError } from '../../src/errors.ts'
import { Kafka } from '../../src/kafka.ts'
import { silentLogger } from '../../src/logger.ts'
import type { SaslOptions } from '../../src/options/sasl-options.ts'
import { freePorts } from '../harness/ports.ts'
import { describeReal, type RealCluster, startCluster, uniqueName } from '../harness/real.ts'
import { type Daemon, startDaemon } from './daemon.ts'

const REALM = 'TEST.LOCAL'
const SESSION_MS = 3000

describeReal('Kerberos', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-kdc-'))
  const file = (name: string): string => join(folder, name)
  const env = { KRB5_CONFIG: file('krb5.conf'), KRB5_KDC_PROFILE: file('kdc.conf') }
  const saved = { ...process.env }
  let kdc: Daemon
  let real: RealCluster

  function run(command: string, ...args: string[]): void {
    const path = `${process.env.PATH}:/usr/sbin:/sbin`
    execFileSync(command, args, { env: { ...process.env, ...env, PATH: path }, stdio: 'pipe' })
  }

  beforeAll(async () => {
    const [port] = await freePorts(1)
    writeFileSync(
      env.KRB5_CONFIG,
      `[libdefaults]
default_realm = ${REALM}
dns_lookup_kdc = false
dns_lookup_realm = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
[realms]
${REALM} = {
  kdc = 127.0.0.1:${port}
}
`,
    )
    writeFileSync(
      env.KRB5_KDC_PROFILE,
      `[kdcdefaults]
kdc_listen = 127.0.0.1:${port}
kdc_tcp_listen = 127.0.0.1:${port}
[realms]
${REALM} = {
  database_name = ${file('principal')}
  key_stash_file = ${file('stash')}
}
`,
    )
    run('kdb5_util', 'create', '-s', '-r', REALM, '-P', 'master')
    for (const principal of ['kafka/localhost', 'ann', 'bob']) {
      run('kadmin.local', '-q', `addprinc -randkey ${principal}`)
      const keytab = file(`${principal.split('/')[0]}.keytab`)
      run('kadmin.local', '-q', `ktadd -k ${keytab} ${principal}`)
    }
    kdc = await startDaemon('krb5kdc', ['-n', '-r', REALM], port, env)
    real = await startCluster({
      version: '4.4.0',
      listeners: { KERBEROS: 'SASL_PLAINTEXT' },
      advertise: (_, broker) => ({ host: 'localhost', port: broker.port }),
      jvmArgs: [`-Djava.security.krb5.conf=${env.KRB5_CONFIG}`],
      properties: {
        'sasl.enabled.mechanisms': 'GSSAPI',
        'sasl.kerberos.service.name': 'kafka',
        'listener.name.kerberos.gssapi.sasl.jaas.config': `com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true keyTab="${file('kafka.keytab')}" principal="kafka/localhost@${REALM}";`,
        'listener.name.kerberos.connections.max.reauth.ms': SESSION_MS,
      },
    })
    process.env.KRB5_CONFIG = env.KRB5_CONFIG
    process.env.KRB5CCNAME = `FILE:${file('cache')}`
    process.env.KRB5_CLIENT_KTNAME = file('ann.keytab')
    run('kinit', '-kt', file('ann.keytab'), 'ann')
  })
  afterAll(async () => {
    for (const name of ['KRB5_CONFIG', 'KRB5CCNAME', 'KRB5_CLIENT_KTNAME']) {
      if (saved[name] === undefined) delete process.env[name]
      else process.env[name] = saved[name]
    }
    await real?.stop()
    await kdc?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  function client(sasl: SaslOptions): Kafka {
    return new Kafka({ bootstrapServers: real.bootstrapServers, sasl, logger: silentLogger })
  }

  test('produces and consumes, over sessions that are renewed', async () => {
    await using kafka = client({ mechanism: 'GSSAPI' })
    const topic = uniqueName('kerberos')
    await kafka.admin().createTopics([{ topic, numPartitions: 1, replicationFactor: 1 }])
    const producer = kafka.producer()
    const until = performance.now() + 3 * SESSION_MS
    let sent = 0
    while (performance.now() < until) {
      await producer.send({ topic, value: String(sent++) })
    }
    const consumer = kafka.consumer({
      groupId: topic,
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    let received = 0
    for await (const record of consumer) {
      expect(record.value?.toString()).toBe(String(received))
      if (++received === sent) break
    }
    expect(sent).toBeGreaterThan(10)
  })

  test('a service that the KDC does not know, and a principal without a ticket', async () => {
    const wrong: [SaslOptions, RegExp][] = [
      [
        { mechanism: 'GSSAPI', kerberosServiceName: 'nosuch' },
        /SASL GSSAPI.* for service nosuch\/localhost: .*not found in Kerberos database/,
      ],
      [
        { mechanism: 'GSSAPI', principal: `carl@${REALM}` },
        new RegExp(`SASL GSSAPI as 'carl@${REALM}' for service kafka/localhost: `),
      ],
    ]
    for (const [sasl, text] of wrong) {
      await using kafka = client(sasl)
      const refused = kafka.connect({ timeoutMs: 60_000 })
      await expect(refused).rejects.toThrow(AuthenticationError)
      await expect(refused).rejects.toThrow(text)
    }
  })

  test('canonical names: a bootstrap server by its address is known by its name', async () => {
    const bootstrapServers = real.bootstrapServers.replace('localhost', '127.0.0.1')
    await using kafka = new Kafka({
      bootstrapServers,
      clientDnsLookup: 'resolve_canonical_bootstrap_servers_only',
      sasl: { mechanism: 'GSSAPI' },
      logger: silentLogger,
    })
    await kafka.connect({ timeoutMs: 60_000 })
  })
})
