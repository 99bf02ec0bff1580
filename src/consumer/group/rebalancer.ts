// Hands partitions over: takes them away in the order stop delivering, commit, tell, forget (committing
// before delivery has stopped duplicates what is delivered in between: KAFKA-14196), and takes new ones
// up. Callbacks of the user may take their time, but not longer than a rebalance may.

import { withAnySignal } from '../../async/any-signal.ts'
import { preciseMs } from '../../async/clock.ts'
import { timeoutSignal } from '../../async/timers.ts'
import { stopSwitch } from '../../async/watchers.ts'
import { causeText } from '../../errors.ts'
import { Sensor } from '../../metrics/sensors.ts'
import { compareTopicPartitions } from '../../topic-partition.ts'
import type { TopicPartition } from '../../types.ts'
import type { AssignedPartition } from '../assignment/assigned-partition.ts'
import type { Assignment } from '../assignment/assignment.ts'
import { StandingProblem } from '../assignment/standing-problem.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { RebalanceCallbacks } from './rebalance-callbacks.ts'

/** A callback or handler that takes less time is not a problem (ms). */
const PATIENCE_MS = 2000

export type PartitionsCallback = (partitions: readonly TopicPartition[]) => void | Promise<void>

export interface RebalanceEvents {
  readonly onAssigned: PartitionsCallback | null
  readonly onRevoked: PartitionsCallback | null
  readonly onLost: PartitionsCallback | null
}

/** How long the callbacks took (ms). */
export type CallbackLatencies = { readonly [name in keyof RebalanceEvents]: Sensor }

export interface RebalancerOwner<K, V> {
  /** Commits what is done of these partitions, if that is done automatically. Never rejects. */
  commitDone(states: readonly AssignedPartition<K, V>[]): Promise<void>
  /** Partitions were assigned or revoked: leaders and positions have to be found. */
  onChanged(): void
  /** A callback threw, or took too long. */
  onError(error: Error): void
}

export class Rebalancer<K, V> {
  private readonly subscription: Assignment<K, V>
  private readonly delivery: Delivery<K, V>
  private readonly hooks: RebalanceEvents
  private readonly timeoutMs: number
  private readonly owner: RebalancerOwner<K, V>
  readonly callbacks: RebalanceCallbacks = new RebalanceCallbacks()
  readonly latencies: CallbackLatencies = {
    onAssigned: new Sensor(),
    onRevoked: new Sensor(),
    onLost: new Sensor(),
  }
  /** Aborted when what is owned was lost: no handler is waited for, nothing can be committed. */
  private lost = stopSwitch()
  private readonly waits = new Set<StandingProblem>()

  constructor(
    subscription: Assignment<K, V>,
    delivery: Delivery<K, V>,
    hooks: RebalanceEvents,
    timeoutMs: number,
    owner: RebalancerOwner<K, V>,
  ) {
    this.subscription = subscription
    this.delivery = delivery
    this.hooks = hooks
    this.timeoutMs = timeoutMs
    this.owner = owner
  }

  get owned(): TopicPartition[] {
    return this.subscription.list()
  }

  /** What keeps partitions from being taken up or given back: a callback, or handlers. null: nothing for long. */
  get problem(): StandingProblem | null {
    const [first] = this.waits
    return first !== undefined && first.durationMs >= PATIENCE_MS ? first : null
  }

  get ownsPartitions(): boolean {
    return this.subscription.size > 0
  }

  /** The partitions were lost: from this moment nothing of them is delivered. `forgetLost` follows. */
  markLost(): void {
    for (const state of this.subscription.partitions) state.hold('isRevoking', true)
    this.delivery.wake()
    this.lost.abort()
  }

  /** Tells of the loss, and forgets. */
  async forgetLost(): Promise<void> {
    const states = [...this.subscription.partitions]
    this.lost = stopSwitch()
    if (states.length === 0) return
    this.forget(states)
    await this.call('onLost', states)
  }

  /**
   * Gives partitions up: waits, within the rebalance timeout, until no loop works on a record of theirs.
   * @param patience aborted: do not wait for loops
   */
  async revoke(
    partitions: readonly TopicPartition[],
    patience: AbortSignal = timeoutSignal(this.timeoutMs),
  ): Promise<void> {
    const states = partitions
      .map(({ topic, partition }) => this.subscription.get(topic, partition))
      .filter((state) => state !== undefined)
    if (states.length === 0) return
    const { signal } = this.lost
    for (const state of states) state.hold('isRevoking', true)
    this.delivery.wake()
    await this.waitingFor(
      states,
      'are taken away when the handlers that work on them have finished',
      withAnySignal([patience, signal], (end) => this.delivery.whenIdle(new Set(states), end)),
    )
    if (!signal.aborted) await this.owner.commitDone(states)
    if (signal.aborted) {
      this.forget(states)
      await this.call('onLost', states)
      return
    }
    await this.call('onRevoked', states)
    this.forget(states)
  }

  /** Takes partitions up. Nothing of them is delivered until `onAssigned` is done. */
  async assign(
    partitions: readonly TopicPartition[],
    isSubscribed: (topic: string) => boolean,
  ): Promise<void> {
    const taken = partitions.toSorted(compareTopicPartitions).map((tp) => {
      const state = this.subscription.add(tp)
      state.hold('isAwaitingCallback', true)
      state.hold('isUnsubscribed', !isSubscribed(tp.topic))
      const { takenPaused } = this.subscription
      if (takenPaused.size > 0 && takenPaused.delete(state.name)) state.hold('isPaused', true)
      if (state.fetchState === 'initializing') state.awaitCommitted()
      return state
    })
    // An assignment may name a partition twice.
    const states = [...new Set(taken)]
    this.owner.onChanged()
    await this.call('onAssigned', states)
    for (const state of states) state.hold('isAwaitingCallback', false)
    this.owner.onChanged()
    this.delivery.wake()
  }

  /** What is assigned from now on is not paused. */
  forgetPaused(): void {
    this.subscription.takenPaused.clear()
  }

  private forget(states: readonly AssignedPartition<K, V>[]): void {
    for (const state of states) {
      if (state.isPaused) this.subscription.takenPaused.add(state.name)
      this.subscription.remove(state)
    }
    this.owner.onChanged()
    // Loops over one partition end with it.
    this.delivery.wake()
  }

  private async call(
    name: keyof RebalanceEvents,
    states: readonly AssignedPartition<K, V>[],
  ): Promise<void> {
    const callback = this.hooks[name]
    if (callback === null) return
    const began = preciseMs()
    const partitions = states.map(({ topic, partition }) => ({ topic, partition }))
    await this.waitingFor(
      states,
      `wait for ${name}(), which has not settled yet`,
      this.callbacks.call(
        () => callback(partitions),
        this.timeoutMs,
        (cause) => {
          const reason = causeText(cause)
          this.owner.onError(new Error(`${name} failed: ${reason}`, { cause }))
        },
      ),
    )
    this.latencies[name].record(preciseMs() - began)
  }

  /** Waits for `work`, which is a problem of these partitions if it takes long. */
  private async waitingFor(
    states: readonly AssignedPartition[],
    why: string,
    work: Promise<void>,
  ): Promise<void> {
    const names = states.slice(0, 3).map(({ name }) => name)
    const more = states.length > 3 ? ` and ${states.length - 3} more` : ''
    const wait = new StandingProblem(`${names.join(', ')}${more} ${why}`, null)
    if (states.length > 0) this.waits.add(wait)
    try {
      await work
    } finally {
      this.waits.delete(wait)
    }
  }
}
