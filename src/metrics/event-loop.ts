// How late the event loop is: measured from the first time that metrics are read.

import type { IntervalHistogram } from 'node:perf_hooks'
import { lazyNode } from '../lazy-node.ts'
import { gauge, type Metric, type MetricGroup, readGroup } from './metric.ts'

/** How often a timer measures (ms); its own period is not a delay. */
const RESOLUTION_MS = 20

interface Delay {
  readonly mean: number
  readonly max: number
}

export const eventLoopGroup: MetricGroup<Delay> = {
  group: 'process-metrics',
  tags: [],
  metrics: [
    gauge(
      'event-loop-delay-avg',
      'How late timers were on average since the last reading (ms).',
      ({ mean }) => mean,
    ),
    gauge(
      'event-loop-delay-max',
      'How late a timer was since the last reading, at most (ms).',
      ({ max }) => max,
    ),
  ],
}

export class EventLoopMeter {
  private histogram: IntervalHistogram | null = null

  read(clientId: string): Metric[] {
    const { histogram } = this
    if (histogram === null) {
      this.histogram = lazyNode.perfHooks.monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      this.histogram.enable()
      return readGroup(eventLoopGroup, clientId, [], { mean: Number.NaN, max: Number.NaN })
    }
    const late = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS)
    const { mean, max } = histogram
    histogram.reset()
    return readGroup(eventLoopGroup, clientId, [], { mean: late(mean), max: late(max) })
  }

  stop(): void {
    this.histogram?.disable()
    this.histogram = null
  }
}
