// Every error code there is, and one that is not, in every response of a group's coordinator, once and three
// times, at the start and in the middle of a consumer's life: it ends only where the table says why.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memberAction } from '../../../src/consumer/group/classic-error-table.ts'
import { codeName, errorCodes } from '../../../src/protocol/error-codes.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/messages/consumer-group-heartbeat.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { TestCluster } from '../../../src/testing/test-cluster.ts'
import { consumerOf, fill, textOf } from '../harness.ts'

const codes = [...Object.values(errorCodes).filter((code) => code !== 0), 9999]

/** Codes that the caller gets, by API: most end the consumer, docs/internals/consumer.md says why. */
const final: Record<string, readonly number[]> = {
  FindCoordinator: [24, 30, 35],
  JoinGroup: [23, 24, 26, 30, 35, 81, 82],
  SyncGroup: [23, 24, 26, 30, 35, 81, 82],
  Heartbeat: [23, 24, 26, 30, 35, 81, 82],
  OffsetFetch: [24, 29, 30],
  OffsetCommit: [82],
  LeaveGroup: [],
  ConsumerGroupHeartbeat: [23, 24, 29, 30, 35, 42, 69, 81, 82, 112, 128],
}

type Api = keyof typeof final

function isFinal(api: Api, code: number, times: number, isAtStart: boolean): boolean {
  // A member whose group is gone joins once more before it takes the id for that of another group.
  if (code === errorCodes.GROUP_ID_NOT_FOUND && !isAtStart && times === 1) return false
  return final[api].includes(code)
}

let cluster: TestCluster
let stopWriting = (): void => {}
/** What to inject for a group: the API, the code, and how often still. */
const injections = new Map<string, { api: Api; code: number; left: number }>()

function inject(api: Api, groupId: string): number | null {
  const injection = injections.get(groupId)
  if (injection === undefined || injection.api !== api || injection.left === 0) return null
  injection.left--
  return injection.code
}

beforeAll(async () => {
  cluster = await TestCluster.start({
    topics: { t: 1 },
    properties: {
      groupMinSessionTimeoutMs: 100,
      groupConsumerSessionTimeoutMs: 500,
      groupConsumerHeartbeatIntervalMs: 10,
    },
  })
  // Something to read and to commit, in every case.
  const writing = setInterval(() => void fill(cluster, 't', 0, 1), 20)
  stopWriting = () => clearInterval(writing)
  cluster.intercept(findCoordinator, async ({ request, next }) => {
    const code = inject('FindCoordinator', request.coordinatorKeys[0] ?? request.key)
    const answer = await next()
    if (code === null) return answer
    for (const coordinator of answer.coordinators) {
      Object.assign(coordinator, { errorCode: code, nodeId: -1, host: '', port: -1 })
    }
    return answer
  })
  for (const [name, api] of [
    ['JoinGroup', joinGroup],
    ['SyncGroup', syncGroup],
    ['Heartbeat', heartbeat],
    ['LeaveGroup', leaveGroup],
    ['ConsumerGroupHeartbeat', consumerGroupHeartbeat],
  ] as const) {
    cluster.intercept(api as typeof heartbeat, async ({ request, next }) => {
      const code = inject(name, request.groupId)
      const answer = await next()
      if (code !== null) answer.errorCode = code
      return answer
    })
  }
  cluster.intercept(offsetCommit, async ({ request, next }) => {
    const code = inject('OffsetCommit', request.groupId)
    const answer = await next()
    if (code === null) return answer
    for (const { partitions } of answer.topics) for (const each of partitions) each.errorCode = code
    return answer
  })
  cluster.intercept(offsetFetch, async ({ request, next }) => {
    const code = inject('OffsetFetch', request.groups[0]?.groupId ?? request.groupId)
    const answer = await next()
    if (code === null) return answer
    for (const group of answer.groups) Object.assign(group, { errorCode: code, topics: [] })
    return answer
  })
})

afterAll(async () => {
  stopWriting()
  await cluster.close()
})

interface Outcome {
  readonly state: 'reads' | 'failed' | 'silent'
  readonly error: string
}

let groups = 0

interface Patience {
  readonly sessionTimeoutMs: number
  readonly waitMs: number
}

/** For many cases at once; and for one alone, on a machine that is busy with something else. */
const short: Patience = { sessionTimeoutMs: 500, waitMs: 8000 }
const long: Patience = { sessionTimeoutMs: 10_000, waitMs: 30_000 }

async function live(
  api: Api,
  code: number,
  times: number,
  isAtStart: boolean,
  { sessionTimeoutMs, waitMs }: Patience,
): Promise<Outcome> {
  const groupId = `g${groups++}`
  const start = (): void => {
    injections.set(groupId, { api, code, left: times })
  }
  if (isAtStart) start()
  const consumer = consumerOf(
    cluster,
    {
      groupId,
      topics: ['t'],
      autoCommitIntervalMs: 10,
      ...(api === 'ConsumerGroupHeartbeat'
        ? { groupProtocol: 'consumer', heartbeatIntervalMs: undefined }
        : { heartbeatIntervalMs: 10, sessionTimeoutMs }),
    },
    { retryBackoffMs: 1, retryBackoffMaxMs: 2 },
  )
  let handled = 0
  let failure: unknown = null
  const running = consumer
    .run({ eachRecord: (record) => void (textOf(record) !== '' && handled++) })
    .catch((error: unknown) => {
      failure = error
    })
  const committed = (): boolean => cluster.committedOffset(groupId, 't', 0) !== null
  const isOver = (): boolean => failure !== null || consumer.health().state === 'failed'
  const used = (): boolean => {
    const injection = injections.get(groupId)
    return injection === undefined || injection.left === 0 || api === 'LeaveGroup'
  }
  try {
    if (!isAtStart) {
      await cluster.waitFor(() => committed() || isOver(), { timeoutMs: waitMs })
      start()
      // Joins again.
      if (api !== 'Heartbeat') consumer.subscribe(['t', 'u'])
    }
    await cluster.waitFor(() => (used() && handled > 0 && committed()) || isOver(), {
      timeoutMs: waitMs,
    })
    const before = handled
    if (!isOver()) {
      await cluster.waitFor(() => handled > before || isOver(), { timeoutMs: waitMs })
    }
  } catch (error) {
    failure ??= error
    return { state: 'silent', error: `${error} ${JSON.stringify(consumer.health().state)}` }
  } finally {
    await consumer.close({ timeoutMs: 3000 })
    await running
  }
  return failure === null
    ? { state: 'reads', error: '' }
    : { state: 'failed', error: String(failure) }
}

/**
 * All cases of an API, many at once: each is a group of its own. Their short limits may be too short on a busy
 * machine, so what went wrong is done again alone, with long ones.
 */
async function outcomes(api: Api, isAtStart: boolean): Promise<Record<string, string>> {
  const cases = codes.flatMap((code) => [1, 3].map((times) => ({ code, times })))
  const again: { code: number; times: number; expected: Outcome['state'] }[] = []
  const wrong: Record<string, string> = {}
  const work = async (): Promise<void> => {
    for (let next = cases.pop(); next !== undefined; next = cases.pop()) {
      const { code, times } = next
      const expected = isFinal(api, code, times, isAtStart) ? 'failed' : 'reads'
      const outcome = await live(api, code, times, isAtStart, short)
      if (outcome.state !== expected) again.push({ code, times, expected })
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  for (const { code, times, expected } of again) {
    const outcome = await live(api, code, times, isAtStart, long)
    if (outcome.state === expected) continue
    wrong[`${codeName(code)} [${code}] x ${times}`] = `${outcome.state}: ${outcome.error}`
  }
  return wrong
}

describe('a consumer ends only for a code that nothing can mend', () => {
  for (const api of Object.keys(final)) {
    it(`in ${api} at the start`, async () => {
      expect(await outcomes(api, true)).toEqual({})
    }, 300_000)
  }
  const inMidLife = [
    'JoinGroup',
    'SyncGroup',
    'Heartbeat',
    'OffsetCommit',
    'ConsumerGroupHeartbeat',
  ] as const
  for (const api of inMidLife) {
    it(`in ${api} while it is a member`, async () => {
      expect(await outcomes(api, false)).toEqual({})
    }, 300_000)
  }

  for (const api of ['OffsetCommit', 'LeaveGroup', 'Heartbeat'] as const) {
    it(`and close() ends, whatever ${api} is answered with`, async () => {
      const late: string[] = []
      const close = async (code: number): Promise<void> => {
        const groupId = `g${groups++}`
        const consumer = consumerOf(cluster, { groupId, topics: ['t'], heartbeatIntervalMs: 10 })
        const records = consumer.records()
        await records.next()
        await records.next()
        injections.set(groupId, { api, code, left: 3 })
        const start = performance.now()
        await consumer.close({ timeoutMs: 20_000 })
        if (performance.now() - start > 19_900) late.push(`${codeName(code)} [${code}]`)
        await records.return()
      }
      const left = [...codes]
      const work = async (): Promise<void> => {
        for (let code = left.pop(); code !== undefined; code = left.pop()) await close(code)
      }
      await Promise.all(Array.from({ length: 16 }, work))
      expect(late).toEqual([])
    }, 300_000)
  }

  it('as the table of the group has it', () => {
    const requests = { JoinGroup: 'join', SyncGroup: 'sync', Heartbeat: 'heartbeat' } as const
    for (const [api, request] of Object.entries(requests)) {
      const fatal = codes.filter((code) => memberAction(request, code) === 'fatal')
      expect(
        fatal.toSorted((a, b) => a - b),
        api,
      ).toEqual(final[api])
    }
  })
})
