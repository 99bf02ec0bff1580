// What is done to a copy job: to its brokers, to its copiers, and to the requests that end transactions.

import type { Copiers } from '../copiers.ts'
import { apiKeys, clientIdOf } from '../frames.ts'
import type { Verdict } from '../proxy.ts'
import type { Stage } from '../stage.ts'

export interface CopyScenario {
  id: number
  name: string
  /** How long the faults go on by default. */
  seconds: number
  /** Default: 750. */
  recordsPerTransaction?: number
  /** Default: 10 s. */
  transactionTimeoutMs?: number
  run(stage: Stage, copiers: Copiers): Promise<void>
}

type Fault = (stage: Stage, copiers: Copiers) => Promise<void>

const killBroker: Fault = async (stage) => {
  const nodeId = stage.random.pick(stage.nodeIds)
  stage.log(`kill -9 of node ${nodeId}`)
  await stage.cluster.kill(nodeId)
  await stage.sleep(stage.random.between(1000, 8000))
  await stage.cluster.restart(nodeId)
  await stage.cluster.waitForIsr(stage.topic)
}

const rollBroker: Fault = async (stage) => {
  const nodeId = stage.random.pick(stage.nodeIds)
  stage.log(`SIGTERM to node ${nodeId}`)
  await stage.cluster.terminate(nodeId)
  await stage.cluster.restart(nodeId)
  await stage.cluster.waitForIsr(stage.topic)
}

const pauseBroker: Fault = async (stage) => {
  const nodeId = stage.random.pick(stage.nodeIds)
  stage.log(`SIGSTOP of node ${nodeId}`)
  stage.cluster.pause(nodeId)
  await stage.sleep(stage.random.between(1000, 8000))
  stage.cluster.resume(nodeId)
  await stage.cluster.waitForIsr(stage.topic)
}

const killCopier: Fault = async (stage, copiers) => {
  const copier = stage.random.below(copiers.count)
  stage.log(`kill -9 of copier ${copier}`)
  copiers.kill(copier)
  await stage.sleep(stage.random.between(500, 4000))
}

const zombieMs = 15_000

const pauseCopier: Fault = async (stage, copiers) => {
  const copier = stage.random.below(copiers.count)
  const isReplaced = stage.random.next() < 0.5
  stage.log(`SIGSTOP of copier ${copier}${isReplaced ? ', and the next life starts' : ''}`)
  copiers.pause(copier)
  if (isReplaced) copiers.replace(copier)
  await stage.sleep(zombieMs)
  stage.log(`SIGCONT of copier ${copier}`)
  copiers.resume(copier)
  await stage.sleep(1000)
}

const { endTxn, addPartitionsToTxn, addOffsetsToTxn, txnOffsetCommit, initProducerId } = apiKeys

/**
 * Requests of these APIs go astray, one in `oneIn`: the answer is swallowed, or it never comes, or the
 * request is lost, or it reaches the broker only when the client has gone on (KAFKA-17754).
 */
function limbo(apis: readonly number[], oneIn: number, lateMs: readonly [number, number]): Fault {
  return async (stage) => {
    const { random } = stage
    let count = 0
    stage.setRules({
      onRequest({ apiKey }): Verdict {
        if (!apis.includes(apiKey) || random.below(oneIn) > 0) return { do: 'forward' }
        count++
        return random.pick<Verdict>([
          { do: 'eatAnswer' },
          { do: 'mute' },
          { do: 'cut', bytes: 0 },
          { do: 'late', afterMs: random.between(...lateMs) },
          { do: 'late', afterMs: random.between(...lateMs) },
        ])
      },
    })
    await stage.sleep(stage.random.between(8000, 15_000))
    stage.setRules({})
    stage.log(`${count} requests went astray`)
  }
}

const endTxnLimbo = limbo([endTxn], 2, [50, 8000])
const anyLimbo = limbo(
  [endTxn, addPartitionsToTxn, addOffsetsToTxn, txnOffsetCommit, initProducerId],
  6,
  [20, 3000],
)

/**
 * A copier stands still with a transaction that lacks nothing but its offsets, until its partitions have
 * gone to others, who copy the same records. Its transaction is open still when it wakes: the generation
 * in its offsets is all that keeps them, and with them its copies, out.
 */
const wakeInTransaction: Fault = async (stage, copiers) => {
  let copier: number | null = null
  stage.setRules({
    onRequest(request): Verdict {
      if (request.apiKey !== txnOffsetCommit || copier !== null) return { do: 'forward' }
      copier = copiers.numberOf(clientIdOf(request))
      copiers.pause(copier)
      return { do: 'lose' }
    },
  })
  while (copier === null && stage.secondsLeft > 0) await stage.sleep(20)
  stage.setRules({})
  if (copier === null) return
  stage.log(`SIGSTOP of copier ${copier} before its offsets`)
  await stage.sleep(zombieMs)
  stage.log(`SIGCONT of copier ${copier}`)
  copiers.resume(copier)
  await stage.sleep(1000)
}

/** One fault after the other, with some calm between. */
function oneByOne(faults: readonly Fault[]): CopyScenario['run'] {
  return async (stage, copiers) => {
    while (stage.secondsLeft > 0) {
      await stage.random.pick(faults)(stage, copiers)
      await stage.sleep(stage.random.between(500, 3000))
    }
  }
}

/** The same from several hands at once. */
function atOnce(...runs: CopyScenario['run'][]): CopyScenario['run'] {
  return async (stage, copiers) => {
    await Promise.all(runs.map((run) => run(stage, copiers)))
  }
}

export const copyScenarios: readonly CopyScenario[] = [
  {
    id: 22,
    name: 'transactions, brokers',
    seconds: 180,
    run: oneByOne([killBroker, rollBroker]),
  },
  {
    id: 23,
    name: 'transactions, clients',
    seconds: 180,
    run: atOnce(oneByOne([killCopier, killCopier, pauseCopier]), oneByOne([pauseCopier])),
  },
  {
    id: 24,
    name: 'EndTxn limbo',
    seconds: 180,
    // Many ends.
    recordsPerTransaction: 100,
    run: oneByOne([endTxnLimbo, anyLimbo]),
  },
  {
    id: 34,
    name: 'transactions, everything',
    seconds: 180,
    run: atOnce(
      oneByOne([killBroker, rollBroker, pauseBroker]),
      oneByOne([killCopier, pauseCopier]),
      oneByOne([endTxnLimbo, anyLimbo]),
    ),
  },
  {
    id: 35,
    name: 'zombies with a transaction',
    seconds: 120,
    // Longer than they stand still: the transaction's own coordinator must not be who fences them.
    transactionTimeoutMs: 60_000,
    run: oneByOne([wakeInTransaction]),
  },
]
