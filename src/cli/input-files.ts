// The files that a command is given. One that cannot be read is wrong usage, and is told before anything
// is opened.

import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { UsageError } from './failures.ts'

/** The text of a file. @throws UsageError for one that cannot be read */
export function readInputFile(path: string | 0): string {
  return attempt(path, () => readFileSync(path, 'utf8'))
}

/** The bytes of a file. @throws UsageError for one that cannot be read */
export function readInputBytes(path: string): Buffer {
  return attempt(path, () => readFileSync(path))
}

/** Looks whether a file can be read, without opening it: it may be a pipe. @throws UsageError */
export function checkInputFile(path: string): void {
  attempt(path, () => {
    accessSync(path, constants.R_OK)
    if (statSync(path).isDirectory()) throw new Error('it is a directory')
  })
}

function attempt<T>(path: string | 0, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const name = path === 0 ? 'Standard input' : path
    throw new UsageError(`${name} cannot be read: ${reason}`, { cause })
  }
}
