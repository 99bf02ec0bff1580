// Through a real SSH server, SOCKS proxy and HTTP proxy to a real broker whose advertised name does not
// resolve here.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { SocksClient } from 'socks'
import { Client } from 'ssh2'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import type { ConnectFunction, MapAddress } from '../../src/options/network-options.ts'
import { freePorts } from '../harness/ports.ts'
import { describeReal, type RealCluster, startCluster, uniqueName } from '../harness/real.ts'
import { type Daemon, startDaemon } from './daemon.ts'

const FAR = { host: 'kafka-1.internal.invalid', port: 9092 }

describeReal('tunnels', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-tunnels-'))
  const file = (name: string): string => join(folder, name)
  const daemons: Daemon[] = []
  let real: RealCluster
  let ports: number[]

  beforeAll(async () => {
    ports = await freePorts(3)
    const [sshPort, socksPort, httpPort] = ports
    for (const key of ['host', 'user']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)])
    }
    writeFileSync(file('authorized'), readFileSync(file('user.pub')), { mode: 0o600 })
    mkdirSync('/run/sshd', { recursive: true })
    writeFileSync(
      file('sshd.conf'),
      `Port ${sshPort}
ListenAddress 127.0.0.1
HostKey ${file('host')}
AuthorizedKeysFile ${file('authorized')}
PidFile none
StrictModes no
PermitRootLogin yes
UsePAM no
AllowTcpForwarding yes
`,
    )
    writeFileSync(
      file('tinyproxy.conf'),
      `Port ${httpPort}\nListen 127.0.0.1\nAllow 127.0.0.1\nMaxClients 50\nTimeout 60\n`,
    )
    daemons.push(
      await startDaemon('/usr/sbin/sshd', ['-D', '-e', '-f', file('sshd.conf')], sshPort),
      await startDaemon('microsocks', ['-i', '127.0.0.1', '-p', String(socksPort)], socksPort),
      await startDaemon('tinyproxy', ['-d', '-c', file('tinyproxy.conf')], httpPort),
    )
    real = await startCluster({ version: '4.4.0', advertise: () => FAR })
  })
  afterAll(async () => {
    await real?.stop()
    for (const daemon of daemons) await daemon.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Where the broker is as the far end of the tunnel sees it. */
  const mapAddress: MapAddress = () => real.nodes[0].address

  async function roundtrip(connect: ConnectFunction): Promise<void> {
    await using kafka = new Kafka({
      bootstrapServers: 'kafka-1.internal.invalid:9092',
      connect,
      mapAddress,
    })
    const topic = uniqueName('tunnel')
    await kafka.admin().createTopics([{ topic, numPartitions: 1, replicationFactor: 1 }])
    const value = Buffer.alloc(300_000, 'x')
    const producer = kafka.producer()
    for (let i = 0; i < 10; i++) await producer.send({ topic, value })
    const consumer = kafka.consumer({
      groupId: topic,
      topics: [topic],
      autoOffsetReset: 'earliest',
    })
    let received = 0
    for await (const record of consumer) {
      expect(record.value?.equals(value)).toBe(true)
      if (++received === 10) break
    }
  }

  test('without a tunnel the advertised name does not resolve', async () => {
    await using kafka = new Kafka({ bootstrapServers: 'kafka-1.internal.invalid:9092' })
    await expect(kafka.connect({ timeoutMs: 2000 })).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/)
  })

  test('an SSH server', async () => {
    const ssh = new Client()
    ssh.connect({
      host: '127.0.0.1',
      port: ports[0],
      username: userInfo().username,
      privateKey: readFileSync(file('user')),
    })
    await once(ssh, 'ready')
    await roundtrip(
      ({ host, port }) =>
        new Promise<Duplex>((resolve, reject) => {
          ssh.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
            if (error) reject(error)
            else resolve(channel)
          })
        }),
    )
    ssh.end()
  })

  test('a SOCKS proxy', async () => {
    await roundtrip(async ({ host, port }) => {
      const { socket } = await SocksClient.createConnection({
        proxy: { host: '127.0.0.1', port: ports[1], type: 5 },
        command: 'connect',
        destination: { host, port },
      })
      return socket
    })
  })

  test('an HTTP proxy', async () => {
    await roundtrip(async ({ host, port, signal }) => {
      const asking = request({
        host: '127.0.0.1',
        port: ports[2],
        method: 'CONNECT',
        path: `${host}:${port}`,
        signal,
      })
      asking.end()
      const [response, socket] = await once(asking, 'connect')
      if (response.statusCode !== 200) throw new Error(`the proxy said ${response.statusCode}`)
      return socket
    })
  })
})
