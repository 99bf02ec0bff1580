// The in-process broker as a process of its own: tells its address to the parent, ends with it.

import { TestCluster } from 'kafkawire/testing'

const cluster = await TestCluster.start({ nodes: 1, record: false })
process.once('disconnect', () => void cluster.close())
process.send(cluster.bootstrapServers)
