// What an integration test file uses: describeReal() around its tests, sharedCluster() for a cluster
// that all files share, startCluster() for one it may break, javaTools() for the neutral witness.

import { randomBytes } from 'node:crypto'
import { describe, inject, test } from 'vitest'
import type { ClusterAddress } from './cluster.ts'
import type { KafkaVersion } from './distribution.ts'
import type {} from './global-setup.ts'
import { type JavaConfig, JavaTools, witnessVersion } from './java-tools.ts'

export { type ClusterAddress, type RealCluster, startCluster } from './cluster.ts'

/**
 * `describe` for tests that need real brokers. Where there can be none they are reported as skipped,
 * with the reason; where CI is set, that is a failure: a run must not look green for want of a JDK.
 */
export function describeReal(name: string, tests: () => void): void {
  const reason = inject('whyNoRealBrokers')
  if (reason === null) describe(name, tests)
  else if (process.env.CI) {
    describe(name, () => {
      test('runs against real brokers', () => {
        throw new Error(`CI must run the tests against real brokers, but ${reason}`)
      })
    })
  } else describe.skip(`${name} (skipped: ${reason})`, tests)
}

/**
 * A cluster that all test files share: started when the first asks for it, stopped after the last.
 * Use a topic and a group of your own ({@link uniqueName}) and do no harm: faults, and settings of a
 * whole broker, belong to a cluster from startCluster().
 */
export async function sharedCluster(version: KafkaVersion, nodes = 1): Promise<ClusterAddress> {
  return (await ask(`cluster/${version}/${nodes}`)) as ClusterAddress
}

/** The witness for a cluster, shared or own. Close it in afterAll. */
export async function javaTools(cluster: ClusterAddress, config?: JavaConfig): Promise<JavaTools> {
  const { port } = (await ask(`witness/${witnessVersion(cluster.version)}`)) as { port: number }
  return new JavaTools(port, cluster, config)
}

/** A name that no other test uses, for a topic, a group or a transactional id. */
export function uniqueName(name: string): string {
  return `${name}-${randomBytes(5).toString('hex')}`
}

async function ask(path: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${inject('registryPort')}/${path}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return JSON.parse(text)
}
