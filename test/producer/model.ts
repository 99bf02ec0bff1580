// One random run of a producer against model brokers: two nodes, two partitions, up to five requests in
// flight to each node, and every fault that may befall a request. At the end the log is compared with
// what the callers were told.

import type { ProducerBatch } from '../../src/producer/batching/partition-queue.ts'
import { sequenceAfter } from '../../src/producer/idempotence/partition-sequences.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { noProducer } from '../../src/records/batch-builder.ts'
import { Engine, type Fate } from './engine.ts'
import { type ModelAnswer, ModelPartition } from './model-broker.ts'

const codes = errorCodes

/** A batch on its way, with the bytes as they were written. */
interface Part {
  batch: ProducerBatch
  bytes: Buffer
  /** What they were: `bytes` may be written over when nobody holds them any more. */
  copy: Buffer
}

interface Request {
  node: number
  parts: Part[]
  /** Null: the broker has not come to it. */
  answers: (ModelAnswer | null)[] | null
}

/** Errors that say nothing was written, and are true, and pass. */
const passing = [
  codes.NOT_LEADER_OR_FOLLOWER,
  codes.NOT_ENOUGH_REPLICAS,
  codes.UNKNOWN_TOPIC_OR_PARTITION,
  codes.LEADER_NOT_AVAILABLE,
  codes.FENCED_LEADER_EPOCH,
  codes.KAFKA_STORAGE_ERROR,
  codes.REQUEST_TIMED_OUT,
  codes.THROTTLING_QUOTA_EXCEEDED,
]

/** The same, but the batch is done for, or has to be split. */
const final = [codes.INVALID_RECORD, codes.MESSAGE_TOO_LARGE, codes.UNKNOWN_SERVER_ERROR]

/** Errors that may come although the batch was written, and pass. */
const doubtfulPassing = [
  codes.REQUEST_TIMED_OUT,
  codes.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  codes.NOT_LEADER_OR_FOLLOWER,
  codes.KAFKA_STORAGE_ERROR,
  codes.NETWORK_EXCEPTION,
]

const neverMs = 1e9

export interface ModelOptions {
  seed: number
  steps?: number
}

export class Model {
  private readonly random: () => number
  private readonly engine: Engine
  private readonly partitions: ModelPartition[]
  /** Requests by node, in the order they were written. */
  private readonly wires: Request[][] = [[], [], []]
  /** Requests whose connection the client has lost, and which a broker may come to all the same. */
  private zombies: Request[] = []
  /** What a socket still holds although the answer has come, or the connection is lost. */
  private readonly held: Part[] = []
  private readonly given: Fate[][]
  private nextValue = 0
  private ids = 100
  private hasNewId = false
  private readonly trace: string[] = []
  private readonly faultRate: number
  /** By partition: every fault passes, so that no record at all may fail. */
  private readonly isBenign: readonly boolean[]

  constructor({ seed }: ModelOptions) {
    this.random = mulberry32(seed)
    this.faultRate = this.pick([0.05, 0.2, 0.5])
    this.isBenign = [this.chance(0.5), this.chance(0.5)]
    const isHarsh = !this.isBenign[0] && !this.isBenign[1]
    const isOld = isHarsh && this.chance(0.4)
    this.engine = new Engine({
      partitions: 2,
      batchSize: 120,
      smallestPooled: 1,
      deliveryTimeoutMs: isHarsh ? this.pick([3000, neverMs]) : neverMs,
      gapless: this.chance(0.15),
    })
    if (this.chance(0.2)) this.engine.producer.adopt(7n, 32_766)
    this.partitions = [new ModelPartition(isOld), new ModelPartition(isOld)]
    this.given = [[], []]
    if (!isOld && this.chance(0.3)) this.startNearWrap()
  }

  /** Runs it, and throws with the trace of what happened when a law is broken. */
  run(steps = 120): void {
    try {
      for (let i = 0; i < steps; i++) this.step()
      this.calm()
      this.judge()
    } catch (error) {
      throw new Error(`${String(error)}\n${this.trace.slice(-80).join('\n')}`, { cause: error })
    }
  }

  private step(): void {
    const { engine } = this
    const kind = this.random()
    if (kind < 0.3) this.append()
    else if (kind < 0.5) this.write(this.pick([1, 2]))
    else if (kind < 0.7) this.serve(this.pick([1, 2]), this.chance(this.faultRate))
    else if (kind < 0.88) this.deliver(this.pick([1, 2]))
    else if (kind < 0.93) engine.now += this.pick([1, 50, 150, 1000])
    else if (kind < 0.95) this.disconnect(this.pick([1, 2]))
    else if (kind < 0.97) this.elect()
    else if (kind < 0.98) this.wakeZombie()
    else if (kind < 0.985) this.loseLeaderForAWhile()
    else this.forget()
    engine.delivery.expire(engine.now)
    this.giveProducerId()
  }

  /** After the last epoch the producer needs another id. */
  private giveProducerId(): void {
    const { producer } = this.engine
    if (producer.canNumber) return
    this.hasNewId = true
    producer.adopt(BigInt(this.ids++), 0)
  }

  private append(): void {
    const p = this.chance(0.7) ? 0 : 1
    const partition = this.engine.topic.partitions[p]
    for (let n = this.pick([1, 1, 2, 4]); n > 0; n--) {
      const fate = this.engine.append(`v${this.nextValue++}`, partition)
      this.given[p].push(fate)
    }
    this.say(`append to ${p}, up to v${this.nextValue - 1}`)
    if (this.chance(0.7)) this.engine.accumulator.closeOpen(partition, this.engine.now)
  }

  /** The sender's part: one request to a node that has fewer than five under way. */
  private write(node: number): void {
    if (this.wires[node].length >= 5) return
    const batches = this.engine.drain(node)
    if (batches.length === 0) return
    const parts = batches.map((batch) => {
      const bytes = batch.builder.stamp(batch.stamp ?? noProducer)
      return { batch, bytes, copy: Buffer.from(bytes) }
    })
    this.wires[node].push({ node, parts, answers: null })
    this.say(`write to node ${node}: ${batches.map(describe).join('; ')}`)
  }

  /** A broker comes to the next request of a connection. */
  private serve(node: number, isFaulty: boolean): void {
    const request = this.wires[node].find(({ answers }) => answers === null)
    if (request !== undefined) this.handle(request, isFaulty)
  }

  private handle(request: Request, isFaulty: boolean): void {
    request.answers = request.parts.map(({ batch, bytes }) => {
      const p = batch.partition.partition
      const log = this.partitions[p]
      if (log.leader !== request.node) return log.answer(codes.NOT_LEADER_OR_FOLLOWER)
      const fault = isFaulty ? this.random() : 1
      if (fault < 0.45) {
        const isFinal = !this.isBenign[p] && this.chance(0.3)
        return log.answer(this.pick(isFinal ? final : passing))
      }
      // Written, and the answer says otherwise or is left out.
      if (fault < 0.8) {
        const { errorCode } = log.append(bytes, this.chance(0.5))
        if (errorCode !== 0) return log.answer(errorCode)
        if (!this.isBenign[p] && this.chance(0.1)) return log.answer(codes.UNKNOWN_SERVER_ERROR)
        return this.chance(0.3) ? null : log.answer(this.pick(doubtfulPassing))
      }
      if (fault < 0.85) return null
      return log.append(bytes, true)
    })
    const told = request.answers.map((answer) => answer?.errorCode ?? 'nothing').join(', ')
    this.say(
      `node ${request.node} answers ${told} to ${request.parts.map(({ batch }) => describe(batch))}`,
    )
  }

  /** The next answer of a connection reaches the client. */
  private deliver(node: number): void {
    const request = this.wires[node].at(0)
    if (request?.answers === null || request === undefined) return
    this.wires[node].shift()
    request.parts.forEach((part, i) => {
      const { batch } = part
      this.checkUntouched(part)
      const isReleased = this.chance(0.7)
      if (!isReleased) this.held.push(part)
      const answer = request.answers?.[i] ?? null
      this.say(`answer for ${describe(batch)}: ${answer?.errorCode ?? 'nothing'}`)
      if (answer === null) this.engine.lose(batch)
      else this.engine.answer(batch, answer.errorCode, answer, node, isReleased)
    })
  }

  private disconnect(node: number): void {
    const lost = this.wires[node].splice(0)
    if (lost.length > 0) this.say(`disconnect node ${node} with ${lost.length} requests`)
    // What was not written at all is known not to be: only ever the last ones.
    let unwritten = this.chance(0.3) ? this.pick([1, 2]) : 0
    const wasSent = lost
      .toReversed()
      .map((request) => request.answers !== null || unwritten-- <= 0)
      .toReversed()
    lost.forEach((request, i) => {
      for (const part of request.parts) {
        this.checkUntouched(part)
        this.held.push(part)
        this.engine.lose(part.batch, wasSent[i])
      }
      if (request.answers === null && wasSent[i]) this.zombies.push(request)
    })
  }

  /** A broker comes to a request whose connection is gone. */
  private wakeZombie(): void {
    const zombie = this.zombies.splice(Math.floor(this.random() * this.zombies.length), 1).at(0)
    if (zombie === undefined) return
    this.say('a request of a lost connection is handled')
    this.handle(zombie, this.chance(this.faultRate))
  }

  private elect(): void {
    const p = this.pick([0, 1])
    const log = this.partitions[p]
    log.elect(3 - log.leader, this.chance(0.5))
    this.say(`node ${log.leader} leads ${p}, epoch ${log.leaderEpoch}`)
    if (this.chance(0.6)) this.learnLeaders()
  }

  private learnLeaders(): void {
    this.partitions.forEach((log, p) => {
      this.engine.lead(log.leader, log.leaderEpoch, this.engine.topic.partitions[p])
    })
  }

  private loseLeaderForAWhile(): void {
    const p = this.pick([0, 1])
    this.engine.lead(-1, this.partitions[p].leaderEpoch, this.engine.topic.partitions[p])
  }

  /**
   * A broker drops what it knows of producers. Only while nothing is open: else no client can be right.
   * Where nothing may fail, it is a new leader that never knew, and that the client has heard of.
   */
  private forget(): void {
    const p = this.pick([0, 1])
    const partition = this.engine.topic.partitions[p]
    const isIdle =
      partition.state.unresolved.length === 0 &&
      partition.inFlight === 0 &&
      this.zombies.length === 0
    if (!isIdle || partition.queue.length > 0) return
    this.partitions[p].forgetProducers()
    this.say(`partition ${p} forgets its producers`)
    if (!this.isBenign[p]) return
    this.partitions[p].elect(this.pick([1, 2]), true)
    this.learnLeaders()
  }

  /** Nothing fails any more: what is open comes to an end, and what comes now is acknowledged. */
  private calm(): void {
    this.say('calm')
    this.settle()
    const late = [0, 1].map((p) => {
      const fate = this.engine.append(`v${this.nextValue++}`, this.engine.topic.partitions[p])
      this.given[p].push(fate)
      return fate
    })
    this.settle()
    for (const { value, error } of late) {
      if (error !== null) throw new Error(`${value} failed though all was calm: ${error.message}`)
    }
  }

  private settle(): void {
    for (let round = 0; round < 500; round++) {
      this.learnLeaders()
      for (const node of [1, 2]) {
        this.write(node)
        while (this.wires[node].some(({ answers }) => answers === null)) this.serve(node, false)
        while (this.wires[node].length > 0) this.deliver(node)
      }
      this.engine.now += 50
      const { delivery, flushes } = this.engine
      delivery.expire(this.engine.now)
      this.giveProducerId()
      if (flushes.isEmpty) return
    }
    throw new Error('something hangs')
  }

  private judge(): void {
    const { memory, topic, dataLosses } = this.engine
    if (dataLosses.length > 0) throw new Error('a loss is reported, and nothing was lost')
    // What is still to come to a broker must be harmless.
    for (const zombie of this.zombies) this.handle(zombie, false)
    for (const part of this.held) checkBytes(part)
    if (memory.used !== 0) throw new Error(`${memory.used} bytes of memory were not given back`)
    for (const p of [0, 1]) {
      const { state } = topic.partitions[p]
      if (state.unresolved.length > 0) throw new Error(`partition ${p} has unresolved batches`)
      this.judgePartition(this.given[p], this.partitions[p], this.isBenign[p])
    }
  }

  private judgePartition(
    given: readonly Fate[],
    { history }: ModelPartition,
    isBenign: boolean,
  ): void {
    const places = new Map<string, number>()
    history.forEach((value, offset) => {
      if (places.has(value)) throw new Error(`${value} is doubled`)
      places.set(value, offset)
    })
    let last = -1
    for (const fate of given) {
      const { value, metadata, error } = fate
      const at = places.get(value)
      if (fate.outcomes !== 1 || fate.told !== 1)
        throw new Error(`${value} had ${fate.outcomes} outcomes, ${fate.told} told`)
      if (error !== null && isBenign) throw new Error(`${value} failed: ${error.message}`)
      if (metadata !== null && at === undefined)
        throw new Error(`${value} is acknowledged and lost`)
      if (metadata !== null && metadata.offset >= 0n && metadata.offset !== BigInt(at ?? -1)) {
        throw new Error(`${value} is at ${at}, not at ${metadata.offset}`)
      }
      if (error?.persisted === 'no' && at !== undefined) {
        throw new Error(`${value} is in the log, though it is said not to be`)
      }
      // The epochs of one producer id fence late requests of a failed batch, a new id cannot.
      if (at === undefined || (error !== null && this.hasNewId)) continue
      if (at < last) throw new Error(`${value} at ${at} is before its forerunner at ${last}`)
      last = at
    }
  }

  /** Bytes that are on their way are never changed, whatever became of the batch. */
  private checkUntouched(part: Part): void {
    const { batch, bytes } = part
    checkBytes(part)
    const now = batch.stamp
    if (now === null) return
    if (batch.builder.stamp(now) !== bytes)
      throw new Error(`${describe(batch)} has other bytes now`)
  }

  /** The numbers are about to wrap from 2^31 - 1 to 0. */
  private startNearWrap(): void {
    const { state } = this.engine.partition
    state.producerId = this.engine.producer.producerId
    state.producerEpoch = this.engine.producer.epoch
    state.nextSequence = sequenceAfter(0x7fffffff, -this.pick([0, 1, 3, 9]))
    state.isProbing = true
    // A broker that knows nothing of the producer takes the first number as it comes.
    this.say(`sequences begin at ${state.nextSequence}`)
  }

  private say(what: string): void {
    this.trace.push(what)
  }

  private chance(probability: number): boolean {
    return this.random() < probability
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random() * choices.length)]
  }
}

function checkBytes({ batch, bytes, copy }: Part): void {
  if (!bytes.equals(copy)) throw new Error(`${describe(batch)} was written over while it was held`)
}

function describe({ partition, order, stamp, count }: ProducerBatch): string {
  const numbers =
    stamp === null ? 'no numbers' : `epoch ${stamp.producerEpoch} seq ${stamp.baseSequence}`
  return `${partition} batch ${order} (${count}) ${numbers}`
}

/** A small generator whose whole state is the seed. */
export function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
