// Which of several brokers is asked next, where any would do.

import type { Broker } from './broker.ts'

/** @returns the best broker to ask now; null if every broker that is left is in its backoff */
export function pickBroker(
  candidates: Iterable<Broker>,
  choice: { now: number; avoid: ReadonlySet<number>; tried: ReadonlySet<Broker> },
): Broker | null {
  const { now, avoid, tried } = choice
  let best: Broker | null = null
  let least = Number.POSITIVE_INFINITY
  for (const node of candidates) {
    let rank = rankOf(node, now, tried)
    if (avoid.has(node.nodeId)) rank += 10_000
    if (
      rank < least ||
      (rank === least && best !== null && node.lastChosenAt < best.lastChosenAt)
    ) {
      best = node
      least = rank
    }
  }
  return best
}

/** Idle and ready first, then ready, then connecting, then not yet tried; a silent one at the end. */
function rankOf(node: Broker, now: number, tried: ReadonlySet<Broker>): number {
  const connection = node.peek('general')
  const silence = node.isSilent ? 5000 : 0
  if (connection !== null) return Math.min(connection.inFlight, 999) + silence
  if (tried.has(node)) return Number.POSITIVE_INFINITY
  if (node.isConnecting) return 1000 + silence
  if (node.attemptAllowedAt > now) return Number.POSITIVE_INFINITY
  return (node.isReady ? 1500 : 2000) + (node.nodeId < 0 ? 100 : 0) + silence
}
