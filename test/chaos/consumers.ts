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
import { WorkerProcess, type WorkerSummary } from './worker-process.ts'
import { delivered, factSize } from './workers/facts.mjs'

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
  seed: number
}

export interface ConsumersResult {
  group: ConsumerVerdict
  /** null: this client does not assign by hand. */
  byHand: ConsumerVerdict | null
  /** From the end of the load until everything was read and committed; Infinity: not in time. */
  lagGoneMs: number
  violations: string[]
}

interface Member {
  name: string
  process: WorkerProcess
  killedAt: number
  isGone: boolean
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

  get #present(): Member[] {
    return this.#members.filter(({ isGone }) => !isGone)
  }

  /** One more member. */
  async join(): Promise<string> {
    const name = `member-${this.#members.length}`
    this.#members.push(await this.#start(name, this.#groupId))
    return name
  }

  /** The member at this index of those that are there dies by kill -9. */
  async kill(index: number): Promise<string> {
    const member = this.#present[index]
    member.isGone = true
    await member.process.kill()
    member.killedAt = Date.now()
    return member.name
  }

  /** As `kill`, but it closes. */
  async leave(index: number): Promise<string> {
    const member = this.#present[index]
    member.isGone = true
    await this.#stop(member)
    return member.name
  }

  /** Waits for everything to be read, stops them all, and judges. */
  async finish(log: SequencesByOffset, loadEndedAt: number): Promise<ConsumersResult> {
    const lagGoneMs = await this.#waitForLag(log, loadEndedAt)
    if (lagGoneMs === Number.POSITIVE_INFINITY) this.#broken.push('lag after 30 s')
    for (const member of this.#present) await this.leave(this.#present.indexOf(member))
    if (this.#byHand !== null) await this.#stop(this.#byHand)
    await this.#checkMembers()
    const commits = await readCommits(this.#tools, this.#groupId, this.#task.topic)
    const group = judgeConsumers(await this.#ledgers(this.#members), log, commits)
    const byHand =
      this.#byHand === null ? null : judgeConsumers(await this.#ledgers([this.#byHand]), log, [])
    const violations = [...this.#broken, ...broken('group', group)]
    if (byHand !== null) violations.push(...broken('by hand', byHand))
    return { group, byHand, lagGoneMs, violations }
  }

  /** For a run that has failed: nothing of them may outlive it. */
  async abandon(): Promise<void> {
    for (const { process } of this.#all) if (process.isAlive) await process.kill()
  }

  get #all(): Member[] {
    return this.#byHand === null ? this.#members : [...this.#members, this.#byHand]
  }

  async #start(name: string, groupId: string | null): Promise<Member> {
    const { client, folder } = this.#task
    const { seed, assignor, groupProtocol } = this.#task
    const by = groupId === null ? 'batch' : ways[(seed + this.#members.length) % ways.length]
    const assignors = assignor === undefined ? undefined : [assignor]
    const process = await WorkerProcess.start<WorkerSummary>({
      script: `${client}-consumer.mjs`,
      name,
      folder,
      node: nodeFor(client),
      options: { ...this.#task, ...settings, groupId, by, assignors, groupProtocol },
    })
    return { name, process, killedAt: Number.POSITIVE_INFINITY, isGone: false }
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
