// The id of a member that chooses it itself: once for each consumer, whatever it joins, leaves or subscribes to
// (KIP-1082), so that the coordinator takes it for the same member when it did not hear that it had left.

import { lazyNode } from '../../lazy-node.ts'

/** As Kafka writes UUIDs: brokers of 4.1 refuse any other id in a share group. None begins with `-`. */
export function newMemberId(): string {
  const bytes = Buffer.from(lazyNode.crypto.randomUUID().replaceAll('-', ''), 'hex')
  const text = bytes.toString('base64url')
  return text.startsWith('-') ? newMemberId() : text
}
