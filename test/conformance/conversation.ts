// One broker is asked API by API, each in the highest version that both sides have, and what only reads
// in the lower ones too. RawClient throws where an answer cannot be decoded to its last byte; an error
// code that a call does not expect is a failure too. What was called is kept for the table.

import { randomBytes } from 'node:crypto'
import { UnsupportedVersionError } from '../../src/errors.ts'
import {
  type AnyApi,
  type Api,
  chooseVersion,
  encodeRequest,
  type VersionRange,
} from '../../src/protocol/api.ts'
import { codeName, type ErrorCodeName } from '../../src/protocol/error-codes.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import type { KafkaVersion } from '../harness/distribution.ts'
import { GiveUpError, waitUntil } from '../harness/wait-until.ts'
import { RawClient } from '../testing/raw-client.ts'

/** What an API answered at last. */
export interface Outcome {
  version: number
  /** Lower versions that were called besides. */
  lowerVersions: number[]
  /** Error codes in the answer, expected ones. */
  errors: string[]
}

/** APIs that change nothing, or nothing that a second call does not do as well. */
const repeatable =
  /^(Metadata|Fetch|Produce|ApiVersions|FindCoordinator|OffsetFetch|OffsetCommit|OffsetForLeaderEpoch|Heartbeat|Describe\w+|List\w+|\w+Describe)$/

/** Codes of a broker that is not ready yet: the call is made again. */
const passing: readonly string[] = [
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'CONCURRENT_TRANSACTIONS',
  'NOT_CONTROLLER',
  'DELEGATION_TOKEN_NOT_FOUND',
] satisfies ErrorCodeName[]

export class Conversation {
  readonly kafka: KafkaVersion
  /** By API name, in the order of the calls. */
  readonly outcomes: Map<string, Outcome> = new Map()
  private readonly client: RawClient
  private readonly ranges: Map<number, VersionRange>

  static async open(kafka: KafkaVersion, port: number): Promise<Conversation> {
    const client = await RawClient.connect(port, 'conformance')
    // Version 0 is answered by every broker; the highest is asked for later, as all others are.
    const { apiKeys } = await client.request(apiVersions, 0, {
      clientSoftwareName: '',
      clientSoftwareVersion: '',
      clusterId: null,
      nodeId: -1,
    })
    return new Conversation(kafka, client, new Map(apiKeys.map((range) => [range.apiKey, range])))
  }

  private constructor(kafka: KafkaVersion, client: RawClient, ranges: Map<number, VersionRange>) {
    this.kafka = kafka
    this.client = client
    this.ranges = ranges
  }

  isOffered(api: AnyApi): boolean {
    const range = this.ranges.get(api.key)
    return (
      range !== undefined &&
      range.minVersion <= api.maxVersion &&
      range.maxVersion >= api.minVersion
    )
  }

  /** The highest version of both sides. */
  version(api: AnyApi): number {
    return chooseVersion(api, this.ranges.get(api.key))
  }

  /**
   * Calls an API, again while the broker is not ready for it. Answers null where the broker does not
   * offer it. `expected` are error codes that answer the call as well as success does.
   */
  async call<Q, A>(
    api: Api<Q, A>,
    request: Q | ((version: number) => Q),
    expected: readonly ErrorCodeName[] = [],
  ): Promise<A | null> {
    if (!this.isOffered(api)) return null
    const version = this.version(api)
    const messageOf = (version: number) =>
      typeof request === 'function' ? (request as (version: number) => Q)(version) : request
    const answer = await this.askUntilReady(api, version, messageOf(version), expected)
    const lowerVersions: number[] = []
    if (!this.outcomes.has(api.name) && repeatable.test(api.name)) {
      const least = Math.max(api.minVersion, this.ranges.get(api.key)?.minVersion ?? 0)
      for (let lower = version - 1; lower >= least; lower--) {
        const message = messageOf(lower)
        if (!canCarry(api, lower, message)) continue
        await this.askUntilReady(api, lower, message, expected)
        lowerVersions.push(lower)
      }
    }
    const known = this.outcomes.get(api.name)
    this.outcomes.set(api.name, {
      version,
      lowerVersions: known?.lowerVersions ?? lowerVersions,
      errors: errorNames(answer),
    })
    return answer
  }

  /** `call`, until the answer is as wanted too. */
  async callUntil<Q, A>(
    api: Api<Q, A>,
    request: Q | ((version: number) => Q),
    isWanted: (answer: A) => boolean,
    expected: readonly ErrorCodeName[] = [],
  ): Promise<A | null> {
    if (!this.isOffered(api)) return null
    return waitUntil(`${api.name} of ${this.kafka} answers as wanted`, async () => {
      const answer = await this.call(api, request, expected)
      return answer !== null && isWanted(answer) ? answer : null
    })
  }

  close(): void {
    this.client.close()
  }

  private askUntilReady<Q, A>(
    api: Api<Q, A>,
    version: number,
    message: Q,
    expected: readonly string[],
  ): Promise<A> {
    const what = `${api.name} v${version} of ${this.kafka}`
    return waitUntil(what, async () => {
      const answer = await this.client.request(api, version, message).catch((cause) => {
        throw new GiveUpError(what, { cause })
      })
      const unexpected = errorNames(answer).filter((name) => !expected.includes(name))
      if (unexpected.length === 0) return answer
      const problem = `${what}: ${shown(answer)}`
      if (unexpected.every((name) => passing.includes(name))) throw new Error(problem)
      throw new GiveUpError(problem)
    }) as Promise<A>
  }
}

/** Whether a version has a place for all that the message says. */
function canCarry<Q, A>(api: Api<Q, A>, version: number, message: Q): boolean {
  try {
    encodeRequest(api, version, message)
    return true
  } catch (error) {
    if (error instanceof UnsupportedVersionError) return false
    throw error
  }
}

/** A UUID as members of the newer groups make their own. */
export function newUuid(): string {
  return randomBytes(16).toString('base64url')
}

/** The names of all error codes in an answer that are not 0. */
function errorNames(answer: unknown): string[] {
  const names = new Set<string>()
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item)
    if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return
    for (const [key, field] of Object.entries(value)) {
      if (/errorCode$/i.test(key) && typeof field === 'number' && field !== 0) {
        names.add(codeName(field))
      } else walk(field)
    }
  }
  walk(answer)
  return [...names]
}

function shown(answer: unknown): string {
  return JSON.stringify(answer, (_, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  ).slice(0, 2000)
}
