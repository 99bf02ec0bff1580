// Lines of `kafkawire decode --print dump` that no file among the fixtures has. `npm run test:peers` compares
// whole files with kafka-dump-log.

import { expect, test } from 'vitest'
import { decodeForDump, dumpLines } from '../../src/cli/dump-log.ts'
import { encodeBatch } from '../../src/records/encode-batch.ts'

const isControl = 0x20

test.each([
  [0, '{"voterId":1}'],
  [1, '{"voterId":1,"voterDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA"}'],
])('a change of the leader of a Raft log, version %d', async (version, voter) => {
  const id = version === 0 ? '' : '00'.repeat(16)
  const voters = `02${'00000001'}${id}00`
  const value = Buffer.from(`000${version}${'00000001'}${voters}${voters}00`, 'hex')
  const bytes = await encodeBatch({
    baseOffset: 0n,
    partitionLeaderEpoch: 1,
    attributes: isControl,
    lastOffsetDelta: 0,
    baseTimestamp: 5n,
    maxTimestamp: 5n,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records: [
      {
        timestampDelta: 0n,
        offsetDelta: 0,
        key: Buffer.from([0, 0, 0, 2]),
        value,
        headers: [],
      },
    ],
  })
  const batch = { position: 0, bytes, magic: 2, baseOffset: 0n, hasValidCrc: true }
  const [, line] = dumpLines(await decodeForDump(batch, {}), true)
  const voterLists = `"voters":[${voter}],"grantingVoters":[${voter}]`
  expect(line).toMatch(/ LeaderChange: /)
  expect(line.split('LeaderChange: ')[1]).toBe(`{"version":${version},"leaderId":1,${voterLists}}`)
})
