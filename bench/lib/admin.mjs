// What the runner asks of a broker beside the measured clients, by a client that is not ours, so that
// nothing of kafkawire vouches for itself.

import kafkajs from 'kafkajs'

export async function openAdmin(bootstrapServers) {
  const client = new kafkajs.Kafka({
    brokers: bootstrapServers.split(','),
    clientId: 'bench-admin',
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = client.admin()
  await admin.connect()
  return {
    create: async (topic, partitions, configs = {}) => {
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
      await admin.createTopics({
        topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
        waitForLeaders: true,
      })
    },
    /** Records in the topic: the sum of end minus begin over its partitions. */
    count: async (topic) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
    },
    remove: async (topic) => admin.deleteTopics({ topics: [topic] }),
    close: () => admin.disconnect(),
  }
}
