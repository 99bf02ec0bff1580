// Brokers that die, stand still, are rolled, or lose their leadership.

import type { PartitionView } from '../../harness/probe.ts'
import type { Stage } from '../stage.ts'
import type { Scenario } from './scenario.ts'

const whenKilled = { ackDelayP95Ms: 1000, ackDelayMostMs: 2500, noFailures: true }

export const leaderKill: Scenario = {
  id: 1,
  name: 'leader kill',
  seconds: 90,
  targets: whenKilled,
  async run(stage) {
    do {
      const leader = await stage.leaderOf(0)
      stage.log(`kill -9 of node ${leader}, leader of ${await stage.partitionsOf(leader)}`)
      await stage.cluster.kill(leader)
      await Promise.all([stage.awaitRecovery(stage.partitions, isWithout(leader)), down(stage)])
      await stage.cluster.restart(leader)
      await stage.cluster.waitForIsr(stage.topic)
      await stage.sleep(2000)
    } while (stage.secondsLeft > 20)
  },
}

/**
 * Acks of all replicas wait for the dead one too, whoever leads: a partition can be written again when
 * the node neither leads nor is in sync.
 */
const isWithout =
  (nodeId: number) =>
  ({ leader, isr }: PartitionView): boolean =>
    leader !== nodeId && !isr.includes(nodeId)

const down = (stage: Stage): Promise<void> => stage.sleep(10_000)

export const cleanRoll: Scenario = {
  id: 2,
  name: 'clean roll',
  seconds: 60,
  targets: { worstGapMs: 1500, noFailures: true },
  async run(stage) {
    do {
      for (const nodeId of stage.nodeIds) {
        stage.log(`SIGTERM to node ${nodeId}`)
        await stage.cluster.terminate(nodeId)
        await stage.cluster.restart(nodeId)
        await stage.cluster.waitForIsr(stage.topic)
        await stage.sleep(1000)
      }
      // Leadership comes back to where it was, or the last node would lead nothing.
      for (const partition of stage.partitions) await elect(stage, partition)
    } while (stage.secondsLeft > 30)
  },
}

/** Already led by its preferred replica is no error here. */
async function elect(stage: Stage, partition: number): Promise<void> {
  try {
    await stage.tools.electLeader(stage.topic, partition)
  } catch (error) {
    if (!String(error).includes('ElectionNotNeeded')) throw error
  }
}

export const leaderPaused: Scenario = {
  id: 3,
  name: 'leader paused',
  seconds: 90,
  targets: { ackDelayP95Ms: 1500, ackDelayMostMs: 2500, noFailures: true },
  async run(stage) {
    do {
      const leader = await stage.leaderOf(0)
      stage.log(`SIGSTOP of node ${leader}, leader of ${await stage.partitionsOf(leader)}`)
      stage.cluster.pause(leader)
      const paused = stage.sleep(15_000)
      await Promise.all([stage.awaitRecovery(stage.partitions, isWithout(leader)), paused])
      stage.log(`SIGCONT of node ${leader}`)
      stage.cluster.resume(leader)
      await stage.cluster.waitForIsr(stage.topic)
      await stage.sleep(2000)
    } while (stage.secondsLeft > 20)
  },
}

export const shortPauses: Scenario = {
  id: 4,
  name: 'short pauses',
  seconds: 60,
  targets: { noFailures: true },
  async run(stage) {
    while (stage.secondsLeft > 0) {
      const nodeId = stage.random.pick(stage.nodeIds)
      stage.cluster.pause(nodeId)
      await stage.sleep(stage.random.between(200, 2000))
      stage.cluster.resume(nodeId)
      await stage.sleep(stage.random.between(100, 800))
    }
  },
}

export const controllerKill: Scenario = {
  id: 5,
  name: 'controller kill',
  seconds: 60,
  targets: whenKilled,
  async run(stage) {
    do {
      const controller = await stage.tools.quorumLeader()
      stage.log(`kill -9 of the controller, node ${controller}`)
      await stage.cluster.kill(controller)
      await Promise.all([stage.awaitRecovery(stage.partitions, isWithout(controller)), down(stage)])
      await stage.cluster.restart(controller)
      await stage.cluster.waitForIsr(stage.topic)
      await stage.sleep(2000)
    } while (stage.secondsLeft > 20)
  },
}

export const twoDown: Scenario = {
  id: 6,
  name: 'two of three down',
  seconds: 40,
  // Some time out, honestly; the rest goes on.
  load: { deliveryTimeoutMs: 15_000, requestTimeoutMs: 4000 },
  targets: { ackDelayMostMs: 2500 },
  async run(stage) {
    const [first, second] = [...stage.nodeIds].sort(() => stage.random.next() - 0.5)
    stage.log(`kill -9 of nodes ${first} and ${second}`)
    await Promise.all([stage.cluster.kill(first), stage.cluster.kill(second)])
    // Answers that were on their way when the nodes died.
    const from = Date.now() + 1000
    await stage.sleep(20_000)
    const to = Date.now()
    stage.expectations.push({ what: 'no ack without minISR', from, to, kind: 'noAcks' })
    await stage.cluster.restart(first, second)
    await stage.awaitRecovery(stage.partitions, ({ isr }) => isr.length === 3)
    await stage.sleep(3000)
  },
}

export const allDown: Scenario = {
  id: 7,
  name: 'whole cluster bounce',
  seconds: 40,
  targets: { ackDelayMostMs: 5000, noFailures: true },
  async run(stage) {
    do {
      stage.log('kill -9 of all nodes')
      await Promise.all(stage.nodeIds.map((nodeId) => stage.cluster.kill(nodeId)))
      await stage.sleep(3000)
      await stage.cluster.restart(...stage.nodeIds)
      await stage.awaitRecovery(stage.partitions, ({ isr }) => isr.length >= 2)
      await stage.sleep(5000)
    } while (stage.secondsLeft > 20)
  },
}

export const leadershipShuffle: Scenario = {
  id: 15,
  name: 'leadership shuffle',
  seconds: 60,
  targets: { p99Ms: 1000, noFailures: true },
  async run(stage) {
    while (stage.secondsLeft > 0) {
      const partition = stage.random.pick(stage.partitions)
      const replicas = [...stage.nodeIds].sort(() => stage.random.next() - 0.5)
      await stage.tools.reassign(stage.topic, partition, replicas)
      await stage.sleep(300)
      await elect(stage, partition)
      stage.log(`partition ${partition} to node ${replicas[0]}`)
      await stage.sleep(stage.random.between(200, 1500))
    }
  },
}
