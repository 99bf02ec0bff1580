// From which version of an API on a broker responds to a throttled request first and expects the client to
// keep silent for `throttleTimeMs` afterwards (KIP-219). In older versions it already waited itself.

const firstVersions: ReadonlyMap<number, number> = new Map([
  [0, 6], // Produce
  [1, 8], // Fetch
  [2, 3], // ListOffsets
  [3, 6], // Metadata
  [8, 4], // OffsetCommit
  [9, 4], // OffsetFetch
  [10, 2], // FindCoordinator
  [11, 3], // JoinGroup
  [12, 2], // Heartbeat
  [13, 2], // LeaveGroup
  [14, 2], // SyncGroup
  [15, 2], // DescribeGroups
  [16, 2], // ListGroups
  [18, 2], // ApiVersions
  [19, 3], // CreateTopics
  [20, 2], // DeleteTopics
  [23, 3], // OffsetForLeaderEpoch
  [32, 2], // DescribeConfigs
])

/** The first API that is younger than KIP-219: ElectLeaders. */
const YOUNGER_FROM = 43

/** Whether the client is to wait after a response with `throttleTimeMs` in this version. */
function shouldWaitWhenThrottled(apiKey: number, version: number): boolean {
  return apiKey >= YOUNGER_FROM || version >= (firstVersions.get(apiKey) ?? 1)
}

/** `throttleTimeMs` of a response; 0 if it has none, or if the broker has waited already. */
export function throttleTimeOf(apiKey: number, version: number, response: unknown): number {
  if (typeof response !== 'object' || response === null || !('throttleTimeMs' in response)) return 0
  const { throttleTimeMs } = response
  if (typeof throttleTimeMs !== 'number' || throttleTimeMs <= 0) return 0
  return shouldWaitWhenThrottled(apiKey, version) ? throttleTimeMs : 0
}
