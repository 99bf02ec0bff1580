// The first batches of a producer on each partition, where brokers know nothing of it yet and take
// whatever number comes first (KAFKA-15591).

import { apiKeys, produceError } from '../frames.ts'
import type { Scenario } from './scenario.ts'

const notLeaderOrFollower = 6

export const firstRefused: Scenario = {
  id: 33,
  name: 'first batch refused',
  seconds: 10,
  targets: { noFailures: true },
  // A probe that fails is tried again by itself; what does not probe has five requests under way.
  load: { deliveryTimeoutMs: 15_000, requestTimeoutMs: 5000 },
  prepare(stage) {
    // Of each broker, as each leads partitions of its own: the request does not come to it, and its
    // answer takes so long that others are under way.
    for (const proxy of stage.proxies.values()) {
      let count = 0
      proxy.rules = {
        onRequest(request) {
          const isFirst = request.apiKey === apiKeys.produce && ++count === 1
          if (!isFirst) return { do: 'forward' }
          const answer = produceError(request, notLeaderOrFollower)
          return { do: 'answer', answer, forward: false, delayMs: 200 }
        },
      }
    }
  },
  async run(stage) {
    await stage.sleep(stage.secondsLeft * 1000)
  },
}
