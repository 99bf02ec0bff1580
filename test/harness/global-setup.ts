// Runs in vitest's main process around the integration tests. It brings what is not downloaded yet,
// and then is a small registry on a local port: test files ask it for a shared cluster or the Java
// witness (real.ts), which it starts when they are first asked for and stops when the run ends.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { type RealCluster, startCluster } from './cluster.ts'
import { classPath, isDownloaded, type KafkaVersion, kafkaVersions } from './distribution.ts'
import { whyNoJava } from './java.ts'
import { startWitness, type WitnessProcess } from './java-tools.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why there are no real brokers; null when there are. */
    whyNoRealBrokers: string | null
    /** Port of the registry. */
    registryPort: number
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const reason = whyNoJava() ?? (await whyNoDownload())
  project.provide('whyNoRealBrokers', reason)
  if (reason !== null) {
    console.warn(`The integration tests have no real brokers: ${reason}.`)
    project.provide('registryPort', 0)
    return async () => {}
  }
  const registry = new Registry()
  project.provide('registryPort', await registry.listen())
  return () => registry.close()
}

// Before the first test, so that no test's time is spent on a download.
async function whyNoDownload(): Promise<string | null> {
  for (const version of kafkaVersions) {
    if (!isDownloaded(version)) console.log(`Maven brings Apache Kafka ${version}, once`)
    try {
      await classPath(version)
    } catch (error) {
      console.warn(error)
      return `there is no Apache Kafka ${version}: its download failed`
    }
  }
  return null
}

class Registry {
  readonly #clusters = new Map<string, Promise<RealCluster>>()
  readonly #witnesses = new Map<string, Promise<WitnessProcess>>()
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    const started = await Promise.allSettled([
      ...this.#clusters.values(),
      ...this.#witnesses.values(),
    ])
    const running = started.filter((start) => start.status === 'fulfilled')
    await Promise.all(running.map((start) => start.value.stop()))
  }

  // GET /cluster/4.4.0/3 and GET /witness/4.4.0
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const [, kind, name, nodes] = (request.url ?? '').split('/')
      const version = kafkaVersions.find((version) => version === name)
      if (version === undefined) throw new Error(`Kafka ${name} is not among ${kafkaVersions}`)
      const answer =
        kind === 'cluster'
          ? (await this.#cluster(version, Number(nodes))).toAddress()
          : { port: (await this.#witness(version)).port }
      response.end(JSON.stringify(answer))
    } catch (error) {
      // The test that asked shows this text.
      response.statusCode = 500
      response.end(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }

  #cluster(version: KafkaVersion, nodes: number): Promise<RealCluster> {
    return once(this.#clusters, `${version}/${nodes}`, () => startCluster({ version, nodes }))
  }

  #witness(version: KafkaVersion): Promise<WitnessProcess> {
    return once(this.#witnesses, version, () => startWitness(version))
  }
}

function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let value = made.get(key)
  if (value === undefined) {
    value = make()
    made.set(key, value)
  }
  return value
}
