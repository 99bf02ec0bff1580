// What the cluster says of itself, and whether this client can work with it.

import { addAbortListener } from 'node:events'
import type { TopicDescription } from '../../admin/topic-description.ts'
import { preciseMs, wallMs } from '../../async/clock.ts'
import { startTimer } from '../../async/timers.ts'
import { BrokerError, TimeoutError } from '../../errors.ts'
import { Kafka } from '../../kafka.ts'
import { apis } from '../../protocol/apis.ts'
import { brokerError } from '../../protocol/error-codes.ts'
import { type ApiVersionsResponse, apiVersions } from '../../protocol/messages/api-versions.ts'
import { describeQuorum } from '../../protocol/messages/describe-quorum.ts'
import type { WaitOptions } from '../../types.ts'
import type { Session } from '../session.ts'
import { type Address, addressText } from './network-checks.ts'
import { Finding, type Report, Skipped } from './report.ts'

const TIMEOUT_MS = 10_000
const SKEW_MS = 1000
const body = {
  clientSoftwareName: 'kafkawire-doctor',
  clientSoftwareVersion: '0',
  clusterId: null,
  nodeId: -1,
}

/** How long a check may take: `--timeout`, or 10 s. */
export function limitsOf({ signal, flags }: Session): WaitOptions & { timeoutMs: number } {
  return { timeoutMs: flags.timeout ?? TIMEOUT_MS, signal }
}

/** Speaks to one bootstrap address, and logs in there. */
export function checkHandshake(
  report: Report,
  session: Session,
  address: Address,
): Promise<boolean> {
  const { sasl } = session.kafkaOptions
  const what = sasl === undefined ? 'Kafka' : 'Kafka and SASL'
  return report.check(what, addressText(address), async () => {
    const kafka = new Kafka({
      ...session.kafkaOptions,
      bootstrapServers: addressText(address),
    })
    try {
      const response = await kafka.request(apiVersions, body, { any: true, ...limitsOf(session) })
      return describeVersions(response)
    } finally {
      await kafka.close()
    }
  })
}

function describeVersions(response: ApiVersionsResponse): string {
  const offered = new Map(response.apiKeys.map((range) => [range.apiKey, range]))
  const needed = ['Metadata', 'Produce', 'Fetch', 'ListOffsets', 'FindCoordinator']
  const missing = apis
    .filter(({ name }) => needed.includes(name))
    .filter(({ key, minVersion, maxVersion }) => {
      const range = offered.get(key)
      return range === undefined || range.maxVersion < minVersion || range.minVersion > maxVersion
    })
  if (missing.length > 0) {
    throw new Finding(
      `no common version of ${missing.map(({ name }) => name).join(', ')}`,
      'The broker is too old for this client, or it is a controller: connect to a broker.',
    )
  }
  const level = response.finalizedFeatures.find(({ name }) => name === 'metadata.version')
  const features = level === undefined ? '' : `, metadata.version ${level.maxVersionLevel}`
  return `${response.apiKeys.length} APIs${features}`
}

/** Topics and partitions: what has no leader, what is out of sync. */
export function checkTopics(report: Report, session: Session): Promise<boolean> {
  return report.check('Topics', '', async () => {
    const { admin } = session
    const limits = limitsOf(session)
    const listed = await admin.listTopics({ ...limits, listInternal: true })
    const topics = await admin.describeTopics(
      listed.map(({ topic }) => topic),
      limits,
    )
    const partitions = topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, ...partition })),
    )
    const problems = [
      problem(partitions, 'without a leader', ({ leader }) => leader < 0),
      problem(
        partitions,
        'with replicas out of sync',
        ({ leader, isr, replicas }) => leader >= 0 && isr.length < replicas.length,
      ),
    ].filter((text) => text !== null)
    if (problems.length > 0) {
      throw new Finding(
        problems.join('; '),
        'Look at them with: kafkawire topics --describe --under-replicated-partitions',
      )
    }
    return `${topics.length} topics, ${partitions.length} partitions, all with a leader and in sync`
  })
}

type NamedPartition = TopicDescription['partitions'][number] & { topic: string }

function problem(
  partitions: readonly NamedPartition[],
  what: string,
  has: (partition: NamedPartition) => boolean,
): string | null {
  const found = partitions.filter(has)
  if (found.length === 0) return null
  const some = found.slice(0, 3).map(({ topic, partition }) => `${topic}-${partition}`)
  const more = found.length > 3 ? `, and ${found.length - 3} more` : ''
  return `${found.length} partitions ${what}: ${some.join(', ')}${more}`
}

/** A broker by the address that it advertises: is it that broker, of that cluster? */
export function checkAdvertised(
  report: Report,
  session: Session,
  broker: { nodeId: number } & Address,
  clusterId: string | null,
): Promise<boolean> {
  const address = addressText(broker)
  return report.check(`Broker ${broker.nodeId}`, address, async () => {
    const kafka = new Kafka({ ...session.kafkaOptions, bootstrapServers: address })
    try {
      const described = await kafka
        .admin()
        .describeCluster(limitsOf(session))
        .catch((error: unknown) => {
          throw new Finding(
            causeAt(address, error),
            'Connections come as far as that. Check that this broker, and no other server, listens there, and that it is not paused.',
          )
        })
      if (described.clusterId === clusterId) return 'it is a broker of this cluster'
      throw new Finding(
        `cluster ${described.clusterId} responds there, not ${clusterId}`,
        'Correct advertised.listeners of the broker, or the DNS name.',
      )
    } finally {
      await kafka.close()
    }
  })
}

/** What an error says of this address: it lists each one that was tried in a line. */
function causeAt(address: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const prefix = `bootstrap address ${address}: `
  const line = text.split('\n').find((each) => each.trim().startsWith(prefix))
  return line === undefined ? text : line.trim().slice(prefix.length)
}

export const NO_CONTROLLER =
  'Without a controller no topic is created and no leader elected. Check that most of the controllers run, and that brokers reach them.'

/** Whether a broker passed a request on, and no controller took it. */
function isWithoutController(error: unknown): boolean {
  if (error instanceof TimeoutError) return true
  const codes = ['REQUEST_TIMED_OUT', 'NOT_LEADER_OR_FOLLOWER', 'NOT_CONTROLLER']
  return error instanceof BrokerError && codes.includes(error.codeName)
}

/** A KRaft controller says when its followers fetched last, by its own clock. */
export function checkClock(report: Report, session: Session): Promise<boolean> {
  return report.check('Clock', '', async () => {
    const topics = [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }]
    const sentAt = preciseMs()
    const kafka = await session.openKafka()
    const response = await kafka
      .request(describeQuorum, { topics }, { any: true, ...limitsOf(session) })
      .then((response) => {
        const code = response.errorCode || (response.topics[0]?.partitions[0]?.errorCode ?? 0)
        if (code === 0) return response
        throw brokerError(code, 'DescribeQuorum')
      })
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        if (isWithoutController(error)) throw new Finding(reason, NO_CONTROLLER)
        throw new Skipped(`the controller's time is not known: ${reason}`)
      })
    const roundTripMs = preciseMs() - sentAt
    const partition = response.topics[0]?.partitions[0]
    const leader = partition?.currentVoters.find(
      ({ replicaId }) => replicaId === partition.leaderId,
    )
    const time = Number(leader?.lastFetchTimestamp ?? -1n)
    if (time <= 0) throw new Skipped("the controller's time is not known to brokers before 3.3")
    const skewMs = Math.round(wallMs() - roundTripMs / 2 - time)
    const uncertainMs = Math.ceil(roundTripMs / 2)
    if (Math.abs(skewMs) - uncertainMs > SKEW_MS) {
      throw new Finding(
        `this machine's clock is ${Math.abs(skewMs)} ms ${skewMs > 0 ? 'ahead of' : 'behind'} the controller's`,
        'Synchronize the clocks (NTP): timestamps, retention and tokens depend on them.',
      )
    }
    return `within ${Math.abs(skewMs) + uncertainMs} ms of the controller's`
  })
}

/** Writes a record and reads it back. */
export async function checkProduceAndFetch(
  report: Report,
  session: Session,
  topic: string | undefined,
): Promise<void> {
  if (topic === undefined) {
    await report.check('Produce and fetch', '', () =>
      Promise.reject(new Skipped('give --topic to write a record and read it back')),
    )
    return
  }
  const value = `kafkawire doctor ${wallMs()} ${process.pid}`
  const { timeoutMs } = limitsOf(session)
  let place = { topic, partition: -1, offset: -1n }
  const isWritten = await report.check('Produce', topic, async () => {
    const producer = (await session.openKafka()).producer({
      ...session.producerOptions,
      lingerMs: 0,
      deliveryTimeoutMs: timeoutMs,
      requestTimeoutMs: Math.ceil(timeoutMs * 0.9),
      maxBlockMs: timeoutMs,
    })
    try {
      const { partition, offset } = await producer.send(
        { topic, value },
        { signal: session.signal },
      )
      place = { topic, partition, offset }
      return `written to partition ${partition} at offset ${offset}`
    } finally {
      await producer.close({ timeoutMs: 1000 }).catch(() => {})
    }
  })
  if (!isWritten) return
  await report.check('Fetch', topic, async () => {
    const consumer = (await session.openKafka()).consumer({
      ...session.consumerOptions,
      groupId: undefined,
    })
    const end = new AbortController()
    const timer = startTimer(() => end.abort(), timeoutMs)
    const interrupted = addAbortListener(session.signal, () => end.abort())
    try {
      consumer.assign([place])
      for await (const record of consumer.records({ signal: end.signal })) {
        if (record.offset === place.offset && String(record.value) === value) return 'read back'
        if (record.offset > place.offset) break
      }
    } catch (error) {
      if (!end.signal.aborted) throw error
    } finally {
      clearTimeout(timer)
      interrupted[Symbol.dispose]()
      await consumer.close({ timeoutMs: 1000 }).catch(() => {})
    }
    throw new Finding('the record that was written was not read back')
  })
}
