// The faults of a plan that are still to come, per API, one after the other.

import { type Call, disconnect, type InterceptorResult } from '../../../src/testing/interceptors.ts'
import type { Disturbance } from './steps.ts'
import { pause } from './waits.ts'

export class FaultQueue<Api, Fault extends { kind: string }> {
  private readonly waiting = new Map<Api, (Fault | Disturbance)[]>()

  add(api: Api, fault: Fault | Disturbance, times: number): void {
    const queue = this.waiting.get(api) ?? []
    queue.push(...Array.from({ length: times }, () => fault))
    this.waiting.set(api, queue)
  }

  end(): void {
    this.waiting.clear()
  }

  /**
   * One request.
   * @param apply what a fault with a code makes of it
   */
  async pass<Q, A>(
    api: Api,
    { next }: Pick<Call<Q, A>, 'next'>,
    apply: (fault: Fault) => A | Promise<A>,
  ): Promise<InterceptorResult<A>> {
    const fault = this.waiting.get(api)?.shift()
    if (fault === undefined) return next()
    if (isDisturbance(fault)) {
      if (fault.kind === 'unsent') return disconnect
      const response = await next()
      if (fault.kind === 'lost') return disconnect
      await pause(fault.ms)
      return response
    }
    return apply(fault)
  }
}

function isDisturbance(fault: { kind: string }): fault is Disturbance {
  return ['lost', 'unsent', 'late'].includes(fault.kind)
}
