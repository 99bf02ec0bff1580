// The heads of all metrics that clients have.

import { networkGroups } from '../cluster/network-metrics.ts'
import { consumerGroups } from '../consumer/consumer-metrics.ts'
import { headsOf, type MetricHead } from '../metrics/catalog.ts'
import { eventLoopGroup } from '../metrics/event-loop.ts'
import { producerGroups } from '../producer/producer-metrics.ts'

export function allMetrics(): MetricHead[] {
  const network = (['producer', 'consumer', 'admin-client'] as const).flatMap((kind) =>
    headsOf(Object.values(networkGroups(kind))),
  )
  return [
    ...headsOf(Object.values(producerGroups)),
    ...headsOf(Object.values(consumerGroups)),
    ...network,
    ...headsOf([eventLoopGroup]),
  ]
}
