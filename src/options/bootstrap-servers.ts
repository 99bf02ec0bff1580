// The option `bootstrapServers`: addresses, names of SRV records, or a function that gives either.

import { ConfigError, describeValue } from '../errors.ts'

/** Where a broker listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** `host:port` or `srv://name`, several in an array or separated by commas. */
export type BootstrapServers = string | readonly string[]

/** Gives the bootstrap servers each time the client looks for its cluster from the beginning. */
export type BootstrapServersProvider = () => BootstrapServers | Promise<BootstrapServers>

/** The bootstrap servers as they are used: `endpoints` and what gives more of them later. */
export interface BootstrapSettings {
  /** Addresses that were given as they are. */
  readonly endpoints: readonly Endpoint[]
  /** Names of DNS SRV records, each of which gives addresses. */
  readonly srvNames: readonly string[]
  /** The function that was given in place of both. */
  readonly provider: BootstrapServersProvider | null
}

const OWNER = "new Kafka(): option 'bootstrapServers'"
const CONTROLLERS_OWNER = "kafka.admin(): option 'bootstrapControllers'"
const SRV = 'srv://'

/** @throws ConfigError naming what is not an address */
export function checkBootstrapServers(
  value: unknown,
  fail: (expected: string) => never,
): BootstrapSettings {
  if (isProvider(value)) return { endpoints: [], srvNames: [], provider: value }
  return { ...parseServers(value, OWNER, fail), provider: null }
}

/** @throws ConfigError naming what is not an address */
export function checkBootstrapControllers(
  value: unknown,
  fail: (expected: string) => never,
): BootstrapSettings {
  const parsed = parseServers(value, CONTROLLERS_OWNER, fail)
  if (parsed.endpoints.length + parsed.srvNames.length > 0) return { ...parsed, provider: null }
  return fail("'host:port' of one controller or more")
}

/** What the user's function returned. @throws ConfigError unless it is one address or more */
export function parseProvided(value: unknown): Omit<BootstrapSettings, 'provider'> {
  const where = `${OWNER}: the function`
  const parsed = parseServers(value, where, (expected) => {
    throw new ConfigError(`${where} must return ${expected}, got ${describeValue(value)}`)
  })
  if (parsed.endpoints.length > 0 || parsed.srvNames.length > 0) return parsed
  throw new ConfigError(`${where} returned no address: 'host:port' of one broker or more is needed`)
}

/** What a client shows of its bootstrap servers. */
export function describeServers(settings: BootstrapSettings): string[] {
  const { endpoints, srvNames, provider } = settings
  const addresses = endpoints.map(formatEndpoint)
  const names = srvNames.map((name) => SRV + name)
  return [...addresses, ...names, ...(provider === null ? [] : ['(a function)'])]
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function isProvider(value: unknown): value is BootstrapServersProvider {
  return typeof value === 'function'
}

function parseServers(
  value: unknown,
  where: string,
  fail: (expected: string) => never,
): Omit<BootstrapSettings, 'provider'> {
  const given: readonly unknown[] = Array.isArray(value) ? value : [value]
  const endpoints: Endpoint[] = []
  const srvNames: string[] = []
  for (const entry of given) {
    if (typeof entry !== 'string') return fail("'host:port', or an array of such strings")
    for (const part of entry.split(',')) {
      const server = part.trim()
      if (server === '') continue
      if (server.toLowerCase().startsWith(SRV)) {
        srvNames.push(parseSrvName(server, where))
        continue
      }
      const endpoint = parseEndpoint(server, where)
      if (!endpoints.some((known) => isSame(known, endpoint))) endpoints.push(endpoint)
    }
  }
  return { endpoints, srvNames: [...new Set(srvNames)] }
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port
}

function parseSrvName(server: string, where: string): string {
  refuseCredentials(server, where)
  const name = server.slice(SRV.length)
  if (/^[\w.-]+$/.test(name)) return name
  throw new ConfigError(
    `${where}: '${server}' is not the name of an SRV record: expected ${SRV}NAME such as ${SRV}_kafka._tcp.example.com, without a port`,
  )
}

function parseEndpoint(server: string, where: string): Endpoint {
  const problem = (text: string): ConfigError => new ConfigError(`${where}: '${server}' ${text}`)
  refuseCredentials(server, where)
  const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[(.+)\]|([^:/]+))(?::(.*))?$/.exec(server)
  if (match === null) {
    throw problem("is not 'host:port' (an IPv6 address stands in brackets: '[::1]:9092')")
  }
  const host = match[1] ?? match[2]
  const port = Number(match[3])
  if (match[3] === undefined) throw problem(`has no port: write '${server}:9092' if it is 9092`)
  if (!/^\d+$/.test(match[3]) || port < 1 || port > 65535) {
    throw problem(`has the port '${match[3]}', which is not a number from 1 to 65535`)
  }
  return { host, port }
}

function refuseCredentials(server: string, where: string): void {
  if (!server.includes('@')) return
  // What stands before it is a user name and a password: not to be printed.
  throw new ConfigError(
    `${where} must be 'host:port', without a user name or a password: set those in 'sasl'`,
  )
}
