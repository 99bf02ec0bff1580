// The in-process broker as a process of its own: tells its address to the parent, ends with it.
// Arguments: number of nodes, then topics as name:partitions.

import { TestCluster } from 'kafkawire/testing'

const [nodes = '1', ...topics] = process.argv.slice(2)
const cluster = await TestCluster.start({
  nodes: Number(nodes),
  topics: Object.fromEntries(
    topics.map((topic) => [topic.split(':')[0], Number(topic.split(':')[1])]),
  ),
  record: false,
})
process.once('disconnect', () => void cluster.close())
process.send(cluster.bootstrapServers)
