// `kafkawire doctor`: follows the way from here to the cluster step by step, and says where it ends.

import type { Command } from 'commander'
import type { TlsOptions } from '../../options/ssl-options.ts'
import { addTimeout, clusterCommand, onRun, topicName } from '../command.ts'
import {
  checkAdvertised,
  checkClock,
  checkHandshake,
  checkProduceAndFetch,
  checkTopics,
  limitsOf,
  NO_CONTROLLER,
} from '../doctor/kafka-checks.ts'
import { type Address, addressText, checkAddress } from '../doctor/network-checks.ts'
import { Finding, Report } from '../doctor/report.ts'
import { FoundProblems, UsageError } from '../failures.ts'
import type { Session } from '../session.ts'

interface DoctorOptions {
  topic?: string
}

export function addDoctor(program: Command): void {
  const command = clusterCommand(program, 'doctor', {
    summary: 'Find out why a cluster cannot be reached, or what is wrong with it',
    description:
      'It checks DNS, TCP, TLS, the protocol, the login, the metadata, every advertised address, the clock, and with --topic a produce and a fetch. The exit code is 1 if there is a finding.',
    examples: [
      {
        text: 'From this machine to a cluster',
        command: 'kafkawire doctor --bootstrap-server broker1:9092',
      },
      {
        text: 'With a login, and a record that is written and read back',
        command: 'kafkawire doctor --profile prod --topic health-check',
      },
    ],
  }).option('--topic <name>', 'write a record to this topic and read it back', topicName)
  onRun<DoctorOptions>(addTimeout(command), run)
}

async function run(session: Session, { topic }: DoctorOptions): Promise<void> {
  const report = new Report(session.out, session.signal)
  const { ssl } = session.kafkaOptions
  const tls: TlsOptions | null = typeof ssl === 'object' ? ssl : ssl === true ? {} : null
  let bootstrap: string | null = null
  const reached = new Set<string>()
  for (const address of addressesOf(session.bootstrapServers)) {
    if (!(await checkAddress(report, address, tls, session.flags.timeout))) continue
    reached.add(addressText(address))
    if (await checkHandshake(report, session, address)) bootstrap ??= addressText(address)
  }
  if (bootstrap !== null) await examine(session, report, tls, { bootstrap, reached }, topic)
  finish(session, report)
}

async function examine(
  session: Session,
  report: Report,
  tls: TlsOptions | null,
  { bootstrap, reached }: { bootstrap: string; reached: ReadonlySet<string> },
  topic: string | undefined,
): Promise<void> {
  let brokers: ({ nodeId: number } & Address)[] = []
  let clusterId: string | null = null
  await report.check('Metadata', '', async () => {
    const cluster = await session.admin.describeCluster(limitsOf(session))
    brokers = cluster.brokers
    clusterId = cluster.clusterId
    if (brokers.length === 0) throw new Finding('the cluster names no broker')
    const seen = `cluster ${clusterId}, brokers ${brokers.map(({ nodeId }) => nodeId).join(', ')}`
    if (cluster.controllerId < 0) throw new Finding(`${seen}, no controller`, NO_CONTROLLER)
    return `${seen}, controller ${cluster.controllerId}`
  })
  const unreached: string[] = []
  for (const broker of brokers) {
    const address = addressText(broker)
    const isReached =
      (reached.has(address) || (await checkAddress(report, broker, tls, session.flags.timeout))) &&
      (await checkAdvertised(report, session, broker, clusterId))
    if (isReached) continue
    unreached.push(
      `broker ${broker.nodeId} told us to use ${address}, and that fails: ${report.lastMessage}`,
    )
  }
  if (unreached.length > 0) {
    await report.check('Advertised listeners', '', async () => {
      throw new Finding(
        `bootstrap via ${bootstrap} works, but ${unreached.join('; ')}`,
        'Clients must reach every broker. Check advertised.listeners, or use a listener meant for this network. In code, the option mapAddress maps addresses.',
      )
    })
  }
  await checkTopics(report, session)
  await checkClock(report, session)
  await checkProduceAndFetch(report, session, topic)
}

function finish(session: Session, report: Report): void {
  const { findings, results } = report
  session.out.line()
  session.out.line(
    findings === 0
      ? `All ${results.filter(({ status }) => status === 'ok').length} checks are fine.`
      : `${findings} ${findings === 1 ? 'finding' : 'findings'}.`,
  )
  if (findings > 0) throw new FoundProblems()
}

function addressesOf(servers: string): Address[] {
  return servers.split(',').map((text) => {
    const match = /^(?:\w+:\/\/)?(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim())
    if (match === null) {
      throw new UsageError(
        `--bootstrap-server ${servers}: "${text}" is not host:port, such as ${addressText({ host: 'broker1', port: 9092 })}.`,
      )
    }
    return { host: match[1] ?? match[2], port: Number(match[3]) }
  })
}
