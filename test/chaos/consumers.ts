// The consumers beside a load: members of a group, and one that was assigned everything by hand. They can
// be killed and joined by others while it goes on; at the end they are judged.

import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { JavaTools } from '../harness/java-tools.ts'
import { waitUntil } from '../harness/wait-until.ts'
import { readCommits } from './commit-log.ts'
import {
  type ConsumerLedger,
  type ConsumerVerdict,
  judgeConsumers,
  type SequencesByOffset,
} from './consumer-oracle.ts'
import { type ClientName, nodeFor } from './load-process.ts'
import { type Bounce, judgePauses, movesDuring, type Pauses, type Window } from './pauses.ts'
import { WorkerProcess, type WorkerSummary } from './worker-process.ts'
import { assigned, delivered, factSize } from './workers/facts.mjs'

export interface ConsumersTask {
  client: ClientName
  bootstrapServers: string
  topic: string
  partitions: number
  producer: number
  folder: string
  package: string | undefined
  isVerbose: boolean
  /** How partitions are divided. Default: the client's own. */
  assignor: string | undefined
  /** How members and coordinator talk. Default: the client's own. */
  groupProtocol: string | undefined
  /** Members have a `group.instance.id` each. Default: false. */
  isStatic?: boolean
  seed: number
}

export interface ConsumersResult {
  group: ConsumerVerdict
  /** null: this client does not assign by hand. */
  byHand: ConsumerVerdict | null
  /** From the end of the load until everything was read and committed; Infinity: not in time. */
  lagGoneMs: number
  /** How long partitions that stayed with their member stood still while others moved. */
  pauses: Pauses
  bounces: readonly Bounce[]
  violations: string[]
}

interface Member {
  name: string
  /** null: not a static member. */
  instanceId: string | null
  process: WorkerProcess
  killedAt: number
  isGone: boolean
  isHanging: boolean
}

const lagMs = 30_000
/** How members read, in turn; the seed says who begins. */
const ways = ['record', 'batch', 'run', 'partitions'] as const
const sessionTimeoutMs = 6000
const settings = { commitIntervalMs: 500, sessionTimeoutMs, requestTimeoutMs: 5000, workMs: 10 }

export class Consumers {
  readonly #task: ConsumersTask
  readonly #tools: JavaTools
  readonly #groupId: string
  readonly #members: Member[] = []
  #byHand: Member | null = null
  readonly #broken: string[] = []
  readonly #bounces: Bounce[] = []
  readonly #hangs: Window[] = []

  private constructor(task: ConsumersTask, tools: JavaTools) {
    this.#task = task
    this.#tools = tools
    this.#groupId = `${task.topic}-group`
  }

  /** Two members, and one that is no member. */
  static async start(task: ConsumersTask, tools: JavaTools): Promise<Consumers> {
    const consumers = new Consumers(task, tools)
    await consumers.join()
    await consumers.join()
    if (task.client === 'kafkawire') consumers.#byHand = await consumers.#start('by-hand', null)
    return consumers
  }

  get memberCount(): number {
    return this.#present.length
  }

  /** Of those that are there: hanging ones are not. */
  get activeCount(): number {
    return this.#active.length
  }

  get isStatic(): boolean {
    return this.#task.isStatic === true
  }

  get groupId(): string {
    return this.#groupId
  }

  get #present(): Member[] {
    return this.#members.filter(({ isGone }) => !isGone)
  }

  get #active(): Member[] {
    return this.#present.filter(({ isHanging }) => !isHanging)
  }

  /** One more member. */
  async join(): Promise<string> {
    return (await this.#join(this.isStatic ? `instance-${this.#members.length}` : null)).name
  }

  async #join(instanceId: string | null): Promise<Member> {
    const name = `member-${this.#members.length}`
    const member = await this.#start(name, this.#groupId, instanceId)
    this.#members.push(member)
    return member
  }

  /** SIGSTOP for `ms`, of the one at this index of those that do not hang. */
  async hang(index: number, ms: number): Promise<void> {
    const member = this.#active[index]
    member.isHanging = true
    const from = Date.now()
    member.process.pause()
    await delay(ms)
    member.process.resume()
    member.isHanging = false
    this.#hangs.push({ from, to: Date.now(), member: member.name })
  }

  /**
   * A static member ends, by kill -9 or by close, and is back at once under the same instance id. Resolves when it
   * has partitions again, or has none to get.
   */
  async bounce(index: number, isKilled: boolean): Promise<string> {
    const member = this.#active[index]
    const { name, instanceId } = member
    const from = Date.now()
    member.isGone = true
    if (isKilled) {
      await member.process.kill()
      member.killedAt = Date.now()
    } else await this.#stop(member)
    const next = await this.#join(instanceId)
    const end = Date.now() + sessionTimeoutMs
    while (Date.now() < end && !(await hasAssignment(next))) await delay(50)
    this.#bounces.push({ from, to: Date.now(), members: [name, next.name] })
    return name
  }

  /** Waits until the group is settled: every member that is there is one of it, and no other. */
  async settle(timeoutMs: number): Promise<boolean> {
    const isSettled = async (): Promise<boolean> => {
      const { state, members } = await this.#tools.describeGroup(this.#groupId)
      return state.toLowerCase() === 'stable' && members.length === this.memberCount
    }
    try {
      await waitUntil('the group is settled', isSettled, { timeoutMs })
      return true
    } catch {
      return false
    }
  }

  /** The member at this index of those that are there dies by kill -9. */
  async kill(index: number): Promise<string> {
    const member = this.#active[index]
    member.isGone = true
    await member.process.kill()
    member.killedAt = Date.now()
    return member.name
  }

  /** As `kill`, but it closes. */
  async leave(index: number): Promise<string> {
    const member = this.#active[index]
    member.isGone = true
    await this.#stop(member)
    return member.name
  }

  /** Waits for everything to be read, stops them all, and judges; `disturbed`: while brokers were harmed. */
  async finish(
    log: SequencesByOffset,
    loadEndedAt: number,
    disturbed: readonly Window[],
  ): Promise<ConsumersResult> {
    const lagGoneMs = await this.#waitForLag(log, loadEndedAt)
    if (lagGoneMs === Number.POSITIVE_INFINITY) this.#broken.push('lag after 30 s')
    while (this.activeCount > 0) await this.leave(0)
    if (this.#byHand !== null) await this.#stop(this.#byHand)
    await this.#checkMembers()
    const commits = await readCommits(this.#tools, this.#groupId, this.#task.topic)
    const group = judgeConsumers(await this.#ledgers(this.#members), log, commits)
    const byHand =
      this.#byHand === null ? null : judgeConsumers(await this.#ledgers([this.#byHand]), log, [])
    const violations = [...this.#broken, ...broken('group', group)]
    if (byHand !== null) violations.push(...broken('by hand', byHand))
    const pauses = judgePauses(group.ownerships, [...disturbed, ...this.#hangs])
    for (const bounce of this.#bounces) {
      // One that came back too late is another member to the group.
      bounce.isJudged = bounce.to - bounce.from < sessionTimeoutMs
      const moves = bounce.isJudged ? movesDuring(group.ownerships, bounce) : 0
      if (moves > 0) violations.push(`${moves} moves in the bounce of ${bounce.members[0]}`)
    }
    return { group, byHand, lagGoneMs, pauses, bounces: this.#bounces, violations }
  }

  /** For a run that has failed: nothing of them may outlive it. */
  async abandon(): Promise<void> {
    for (const { process } of this.#all) if (process.isAlive) await process.kill()
  }

  get #all(): Member[] {
    return this.#byHand === null ? this.#members : [...this.#members, this.#byHand]
  }

  async #start(
    name: string,
    groupId: string | null,
    instanceId: string | null = null,
  ): Promise<Member> {
    const { client, folder } = this.#task
    const { seed, assignor, groupProtocol } = this.#task
    const by = groupId === null ? 'batch' : ways[(seed + this.#members.length) % ways.length]
    const assignors = assignor === undefined ? undefined : [assignor]
    const process = await WorkerProcess.start<WorkerSummary>({
      script: `${client}-consumer.mjs`,
      name,
      folder,
      node: nodeFor(client),
      options: {
        ...this.#task,
        ...settings,
        groupId,
        by,
        assignors,
        groupProtocol,
        groupInstanceId: instanceId ?? undefined,
      },
    })
    const killedAt = Number.POSITIVE_INFINITY
    return { name, instanceId, process, killedAt, isGone: false, isHanging: false }
  }

  async #stop({ name, process }: Member): Promise<void> {
    const { summary, endedByItself } = await process.stop(40_000)
    if (!endedByItself) this.#broken.push(`${name} did not end by itself`)
    const rejections = summary?.unhandledRejections.length ?? 0
    if (rejections > 0) this.#broken.push(`${name}: unhandled rejections ${rejections}`)
  }

  async #waitForLag(log: SequencesByOffset, start: number): Promise<number> {
    while (Date.now() - start < lagMs) {
      const hasRead = this.#byHand === null || (await hasReadAll(this.#byHand, log))
      if (hasRead && (await this.#hasCommitted(log))) return Date.now() - start
      await delay(200)
    }
    return Number.POSITIVE_INFINITY
  }

  async #hasCommitted(log: SequencesByOffset): Promise<boolean> {
    const committed = await this.#tools.groupOffsets(this.#groupId)
    return [...log].every(([partition, { length }]) =>
      committed.some((found) => found.partition === partition && Number(found.offset) >= length),
    )
  }

  /** Those that were killed are there until their session ends; the others have left. */
  async #checkMembers(): Promise<void> {
    const timeoutMs = sessionTimeoutMs + 10_000
    const isEmpty = async (): Promise<boolean> =>
      (await this.#tools.describeGroup(this.#groupId)).members.length === 0
    try {
      await waitUntil('the group is empty', isEmpty, { timeoutMs })
    } catch {
      this.#broken.push('a member was left over')
    }
  }

  #ledgers(members: readonly Member[]): Promise<ConsumerLedger[]> {
    return Promise.all(
      members.map(async ({ name, process, killedAt }) => {
        return { name, killedAt, facts: await readFile(process.ledgerFile) }
      }),
    )
  }
}

async function hasAssignment({ process }: Member): Promise<boolean> {
  const facts = await readFile(process.ledgerFile)
  for (let at = 0; at + factSize <= facts.length; at += factSize) {
    if (facts[at] === assigned) return true
  }
  return false
}

async function hasReadAll({ process }: Member, log: SequencesByOffset): Promise<boolean> {
  const facts = await readFile(process.ledgerFile)
  const latest = new Map<number, number>()
  for (let at = 0; at + factSize <= facts.length; at += factSize) {
    if (facts[at] === delivered) latest.set(facts[at + 1], facts.readDoubleBE(at + 8))
  }
  return [...log].every(([partition, { length }]) => (latest.get(partition) ?? -1) >= length - 1)
}

function broken(who: string, { violations }: ConsumerVerdict): string[] {
  return Object.entries(violations)
    .filter(([, count]) => count > 0)
    .map(([law, count]) => `${who}: ${law} ${count}`)
}
