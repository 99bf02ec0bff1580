// Answers that are swallowed, made up or changed. The brokers are well, and know more than the client.

import { apiKeys, changeMetadata, produceError, type RequestFrame } from '../frames.ts'
import type { Verdict } from '../proxy.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './scenario.ts'

const codes = {
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  notEnoughReplicasAfterAppend: 20,
}

export const answerEater: Scenario = {
  id: 11,
  name: 'answer eater',
  seconds: 60,
  targets: { noFailures: true },
  async run(stage) {
    let count = 0
    stage.setRules({
      onRequest({ apiKey }) {
        const isEaten = apiKey === apiKeys.produce && ++count % 50 === 0
        return { do: isEaten ? 'eatAnswer' : 'forward' }
      },
    })
    await stage.sleep(stage.secondsLeft * 1000)
    stage.log(`${count} Produce requests`)
  },
}

export const expiryAtTheEdge: Scenario = {
  id: 32,
  name: 'expiry at the edge',
  seconds: 40,
  // Slow enough that batches are of different age: some of a partition expire, and the next ones not. The
  // third attempt ends just before the first batch expires, which so has nothing under way.
  load: { rate: 40, deliveryTimeoutMs: 3000, requestTimeoutMs: 850, maxBlockMs: 3000 },
  targets: {},
  async run(stage) {
    do {
      stage.setRules({
        onRequest: ({ apiKey }) => ({ do: apiKey === apiKeys.produce ? 'mute' : 'forward' }),
      })
      await stage.sleep(stage.random.between(2800, 4000))
      stage.setRules({})
      await stage.sleep(1500)
    } while (stage.secondsLeft > 4)
  },
}

export const reorderByError: Scenario = {
  id: 14,
  name: 'reorder by error',
  seconds: 60,
  targets: { noFailures: true },
  async run(stage) {
    const errors = [
      codes.notLeaderOrFollower,
      codes.requestTimedOut,
      codes.notEnoughReplicasAfterAppend,
    ]
    stage.setRules({ onRequest: everyProduce(20, stage, errors) })
    await stage.sleep(stage.secondsLeft * 1000)
  },
}

/** Every nth Produce is answered with an error; the broker got the request, or not. */
function everyProduce(
  nth: number,
  { random }: Stage,
  errorCodes: readonly number[],
): (request: RequestFrame) => Verdict {
  let count = 0
  return (request) => {
    if (request.apiKey !== apiKeys.produce || ++count % nth !== 0) return { do: 'forward' }
    const answer = produceError(request, random.pick(errorCodes))
    return { do: 'answer', answer, forward: random.next() < 0.5 }
  }
}

export const topicLost: Scenario = {
  id: 16,
  name: 'topic lost from metadata',
  seconds: 60,
  load: { metadataMaxAgeMs: 1000 },
  targets: { noFailures: true },
  async run(stage) {
    const { topic, random } = stage
    do {
      const how = random.pick(['left out', 'unknown', 'no leader'] as const)
      stage.log(`${topic} is ${how} for 5 s`)
      stage.setRules({
        // Something that makes a client look at its metadata.
        onRequest: everyProduce(20, stage, [codes.notLeaderOrFollower]),
        onAnswer(answer, request) {
          if (request.apiKey !== apiKeys.metadata) return answer
          return changeMetadata(request, answer, (response) => {
            if (how === 'left out') {
              response.topics = response.topics.filter(({ name }) => name !== topic)
              return
            }
            const errorCode =
              how === 'unknown' ? codes.unknownTopicOrPartition : codes.leaderNotAvailable
            for (const found of response.topics.filter(({ name }) => name === topic)) {
              found.errorCode = errorCode
              found.partitions = []
            }
          })
        },
      })
      await stage.sleep(5000)
      stage.setRules({})
      stage.recoveredNow()
      await stage.sleep(5000)
    } while (stage.secondsLeft > 5)
  },
}
