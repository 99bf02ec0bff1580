// Every API that a broker offers is called in the highest version that both sides have, on brokers of
// six ages, and each answer is decoded to its last byte. `npm run conformance` prints what was called.

import { afterAll, expect, test } from 'vitest'
import { apis } from '../../src/protocol/apis.ts'
import { brokerSettings } from '../conformance/broker.ts'
import { Conversation } from '../conformance/conversation.ts'
import { findCoordinators, recordCalls, transactionCalls } from '../conformance/data.ts'
import {
  classicGroupCalls,
  consumerGroupCalls,
  groupIds,
  offsetCalls,
  streamsGroupCalls,
} from '../conformance/groups.ts'
import { login } from '../conformance/login.ts'
import { aclCalls, quotaCalls, tokenCalls } from '../conformance/security.ts'
import { shareGroupCalls } from '../conformance/share-groups.ts'
import { conformanceTable } from '../conformance/table.ts'
import { clusterCalls, makeTopic, topicCalls } from '../conformance/topics.ts'
import { kafkaVersions } from '../harness/distribution.ts'
import { describeReal, startCluster } from '../harness/real.ts'

describeReal('the highest common version of every API', () => {
  const talks: Conversation[] = []
  afterAll(() => console.log(conformanceTable(talks)))

  test.each(kafkaVersions)(
    '%s',
    async (version) => {
      await using cluster = await startCluster(brokerSettings(version))
      const port = Number(cluster.bootstrapOf('SASL').split(':')[1])
      const talk = await Conversation.open(version, port)
      talks.push(talk)
      try {
        await login(talk)
        const topic = await makeTopic(talk, 'conformance')
        await findCoordinators(talk, [...groupIds])
        const read = await recordCalls(talk, topic)
        expect(read.slice(0, 3)).toEqual(['a', 'b', 'c'])
        await topicCalls(talk, topic)
        await classicGroupCalls(talk)
        await offsetCalls(talk, topic)
        await transactionCalls(talk, topic)
        await consumerGroupCalls(talk, topic)
        await shareGroupCalls(talk, topic)
        await streamsGroupCalls(talk, topic)
        await aclCalls(talk, topic)
        await quotaCalls(talk)
        await tokenCalls(talk)
        await clusterCalls(talk)
        const offered = apis.filter((api) => talk.isOffered(api)).map(({ name }) => name)
        expect(offered.filter((name) => !talk.outcomes.has(name))).toEqual([])
      } finally {
        talk.close()
      }
    },
    180_000,
  )
})
