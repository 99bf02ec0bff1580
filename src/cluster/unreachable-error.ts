// What a person is told when no broker, or one broker, cannot be reached.

import { AuthenticationError, ConnectionError, type KafkaError } from '../errors.ts'
import type { Broker } from './broker.ts'

/** At most this many addresses are named: a cluster may have a thousand brokers. */
const MAX_SHOWN = 20

/** Each address with its own cause, one line each. */
export function unreachableText(
  nodes: readonly Broker[],
  sourceError: Error | null,
  timeoutMs: number | null,
): string {
  const within = timeoutMs === null ? '' : ` within ${timeoutMs} ms`
  const shown = nodes.slice(0, MAX_SHOWN)
  const lines = shown.map((node) => `\n  ${node.describe()}: ${causeText(node)}`)
  if (nodes.length > MAX_SHOWN) lines.push(`\n  ... and ${nodes.length - MAX_SHOWN} more`)
  if (sourceError !== null) lines.push(`\n  ${sourceError.message}`)
  if (lines.length === 0) lines.push("\n  'bootstrapServers' has not given an address yet")
  return `No broker could be reached${within}:${lines.join('')}`
}

/** The error of an outage; AuthenticationError if every broker refuses who we are. */
export function outageErrorOf(
  nodes: readonly Broker[],
  sourceError: Error | null,
  text: string,
  retriable: boolean,
): KafkaError {
  const cause = nodes[0]?.lastError ?? sourceError ?? undefined
  const isRefused =
    nodes.length > 0 && nodes.every(({ lastError }) => lastError instanceof AuthenticationError)
  if (isRefused) return new AuthenticationError(text, { cause })
  return new ConnectionError(text, { cause, retriable })
}

function causeText(node: Broker): string {
  const { lastError } = node
  if (lastError !== null) return withoutPrefix(lastError.message, node)
  if (node.isReady) return 'connected, but it did not respond in time'
  const { progress } = node
  return progress === null ? 'not tried' : `still connecting: ${progress}`
}

/** The line names the broker already. */
function withoutPrefix(message: string, node: Broker): string {
  const prefix = `Cannot connect to ${node.describe()}: `
  return message.startsWith(prefix) ? message.slice(prefix.length) : message
}

/** The most common failure of first use: the broker tells clients an address that is not theirs. */
export function advertisedListenerHint(
  bootstrapAddress: string,
  node: Broker,
  error: Error,
): string {
  return `Bootstrap via ${bootstrapAddress} works, but broker ${node.nodeId} told us to use ${node.address}, and that fails: ${withoutPrefix(error.message, node)}. If that broker is up, check its \`advertised.listeners\`, or use a listener meant for this network`
}
