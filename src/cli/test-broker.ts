// The in-process broker in a separate process, so that the CPU time of the command that starts it is
// the client's alone. Tells its parent where it listens, and ends with it.

import { TestCluster } from '../testing/test-cluster.ts'

async function main(): Promise<void> {
  const cluster = await TestCluster.start({ nodes: 1, record: false })
  process.once('disconnect', () => void cluster.close())
  process.send?.(cluster.bootstrapServers)
}

void main()
