// Every commit of a group, in order, from the log that coordinators keep of them: no commit between two
// looks goes unseen. Decoded by hand, past the client under test.

import type { JavaTools } from '../harness/java-tools.ts'

export interface Commit {
  partition: number
  /** The next record to be read. */
  offset: number
  /** When the coordinator took it (Date.now()). */
  at: number
}

export async function readCommits(
  tools: JavaTools,
  groupId: string,
  topic: string,
): Promise<Commit[]> {
  const log = await tools.consume('__consumer_offsets', { timeoutMs: 60_000 })
  const commits: Commit[] = []
  for (const { key, value, timestamp } of log) {
    const of = key === null ? null : decodeKey(key)
    if (of === null || value === null || of.groupId !== groupId || of.topic !== topic) continue
    // Behind the version of the value.
    commits.push({
      partition: of.partition,
      offset: Number(value.readBigInt64BE(2)),
      at: timestamp,
    })
  }
  return commits
}

/** null: not of an offset. Versions 0 and 1 are alike: group, topic, partition. */
export function decodeKey(
  key: Buffer,
): { groupId: string; topic: string; partition: number } | null {
  if (key.readInt16BE(0) > 1) return null
  const group = text(key, 2)
  const topic = text(key, group.end)
  return { groupId: group.text, topic: topic.text, partition: key.readInt32BE(topic.end) }
}

function text(bytes: Buffer, at: number): { text: string; end: number } {
  const end = at + 2 + bytes.readInt16BE(at)
  return { text: bytes.toString('utf8', at + 2, end), end }
}
