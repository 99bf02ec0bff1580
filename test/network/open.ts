// One connection to a scripted server, as the pool opens it.

import { silentLogger } from '../../src/logger.ts'
import { Connection, type ConnectionOptions } from '../../src/network/connection.ts'
import { openConnection, type SetupOptions } from '../../src/network/open-connection.ts'
import { checkSsl, type SslOption } from '../../src/options/ssl-options.ts'

export type OpenOptions = Partial<ConnectionOptions> &
  Partial<Omit<SetupOptions, 'ssl'>> & { ssl?: SslOption }

export function connectionTo(port: number, options: OpenOptions = {}): Connection {
  return new Connection({
    nodeId: 1,
    endpoint: { host: '127.0.0.1', port },
    kind: 'general',
    clientId: 'test',
    requestTimeoutMs: 5000,
    maxResponseSize: 128 * 1024 * 1024,
    maxIdleMs: 60_000,
    usesSasl: false,
    logger: silentLogger,
    onClose: () => {},
    ...options,
  })
}

export async function openTo(port: number, options: OpenOptions = {}): Promise<Connection> {
  const connection = connectionTo(port, options)
  await openConnection(connection, {
    timeoutMs: 5000,
    sasl: null,
    clusterId: null,
    lookup: null,
    mapAddress: null,
    connect: null,
    memory: { goodAddress: null, failedAddress: null, tlsSession: undefined },
    ...options,
    ssl: checkSsl(options.ssl ?? false),
  })
  return connection
}
