// A group of one to six members that join, leave, are killed and hang, while the node that coordinates it is
// killed three times. Static members also bounce: they end and are back within their session.

import { coordinatorOf } from '../coordinator.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './scenario.ts'

const MEMBERS = 6
const HANG_MS = 20_000
const COORDINATOR_KILLS = 3

export const churn: Scenario = {
  id: 36,
  name: 'churn of members and coordinators',
  seconds: 180,
  needsConsumers: true,
  targets: { noFailures: true, pauseMostMs: 500 },
  async run(stage) {
    const seconds = stage.secondsLeft
    const hangs: Promise<void>[] = []
    let kills = 0
    do {
      await harmMember(stage, hangs)
      await stage.sleep(stage.random.between(500, 4000))
      const isDue = seconds - stage.secondsLeft > (seconds * (kills + 1)) / (COORDINATOR_KILLS + 1)
      if (!isDue || kills === COORDINATOR_KILLS) continue
      kills++
      await killCoordinator(stage)
    } while (stage.secondsLeft > 5)
    while (kills++ < COORDINATOR_KILLS) await killCoordinator(stage)
    await Promise.all(hangs)
  },
}

async function harmMember(stage: Stage, hangs: Promise<void>[]): Promise<void> {
  const { random } = stage
  const consumers = consumersOf(stage)
  const index = random.below(consumers.activeCount)
  const chance = random.next()
  const { activeCount, memberCount } = consumers
  if (memberCount < MEMBERS && (activeCount < 2 || chance < 0.35)) {
    stage.log(`${await consumers.join()} joins`)
  } else if (activeCount < 2) {
    // The others hang.
    await stage.sleep(1000)
  } else if (consumers.isStatic && chance < 0.65) {
    // Nothing else may move meanwhile.
    await Promise.all(hangs)
    if (!(await consumers.settle(30_000))) return
    await stage.sleep(1500)
    const isKilled = random.next() < 0.5
    const name = await consumers.bounce(random.below(consumers.activeCount), isKilled)
    stage.log(`${name} bounced, by ${isKilled ? 'kill -9' : 'close'}`)
  } else if (chance < 0.55) {
    stage.log(`${await consumers.leave(index)} leaves`)
  } else if (chance < 0.8) {
    stage.log(`kill -9 of ${await consumers.kill(index)}`)
  } else {
    stage.log(`a member hangs for ${HANG_MS} ms`)
    hangs.push(consumers.hang(index, HANG_MS))
  }
}

async function killCoordinator(stage: Stage): Promise<void> {
  const { cluster, random } = stage
  const { groupId } = consumersOf(stage)
  const from = Date.now()
  const nodeId = await coordinatorOf(cluster, '__consumer_offsets', groupId)
  stage.log(`kill -9 of node ${nodeId}, the coordinator`)
  await cluster.kill(nodeId)
  await stage.sleep(random.between(3000, 8000))
  await cluster.restart(nodeId)
  await cluster.waitForIsr(stage.topic)
  // Fetches and joins that waited for it are over by then.
  await stage.sleep(2000)
  stage.disturbed.push({ from, to: Date.now() })
}

function consumersOf({ consumers }: Stage): NonNullable<Stage['consumers']> {
  if (consumers === null) throw new Error('there is no group to harm')
  return consumers
}
