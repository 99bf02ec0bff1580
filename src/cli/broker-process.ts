// Starts the in-process broker in a child process and ends it again.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { KafkaError } from '../errors.ts'

export interface BrokerProcess {
  bootstrapServers: string
  stop(): Promise<void>
}

/** Resolves when the broker listens. */
export async function startBrokerProcess(): Promise<BrokerProcess> {
  const child = fork(fileURLToPath(new URL('./test-broker.js', import.meta.url)), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const bootstrapServers = await new Promise<string>((resolve, reject) => {
    child.once('message', (address) => resolve(String(address)))
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      reject(new KafkaError(`the in-process broker ended at its start (${code ?? signal})`))
    })
  })
  return { bootstrapServers, stop: () => ended(child) }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill()
  })
}
