// The files that a command is given. One that cannot be read is wrong usage, and is told before anything
// is opened.

import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { addAbortSignal } from 'node:stream'
import { text } from 'node:stream/consumers'
import { UsageError } from './failures.ts'

/** The text of a file, without a byte order mark. @throws UsageError for one that cannot be read */
export function readInputFile(path: string): string {
  return attempt(path, () => readFileSync(path, 'utf8').replace(/^\ufeff/, ''))
}

/**
 * The text of standard input, which may come late.
 * @throws UsageError if it cannot be read, and the reason of `signal`
 */
export async function readStandardInput(signal: AbortSignal): Promise<string> {
  try {
    return await text(addAbortSignal(signal, process.stdin))
  } catch (cause) {
    signal.throwIfAborted()
    throw unreadable('Standard input', cause)
  }
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

function attempt<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

function unreadable(name: string, cause: unknown): UsageError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new UsageError(`${name} cannot be read: ${reason}`, { cause })
}
