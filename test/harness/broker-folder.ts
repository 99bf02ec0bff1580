// What a broker keeps in its folder, and what can be seen in it.

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

export function logFile(folder: string): string {
  return join(folder, 'broker.log')
}

export function dataFolder(folder: string): string {
  return join(folder, 'data')
}

/** The topics that a broker has partitions of, by the folders that it keeps them in. */
export async function hostedTopics(folder: string): Promise<string[]> {
  const names = existsSync(folder) ? await readdir(folder) : []
  const topics = names.map((name) => /^(.+)-\d+$/.exec(name)?.[1])
  return [...new Set(topics.filter((topic) => topic !== undefined))]
}

/**
 * Whether a broker ended because ZooKeeper still has the session of the one that was killed: it does not
 * wait for its end, but leaves that to who started it.
 */
export function isRegisteredStill(log: string): boolean {
  return log.includes('NodeExistsException') && log.includes('/brokers/ids/')
}
