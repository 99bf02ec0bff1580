// Errors as a person at the terminal reads them: one sentence that names the item, the reason and the way
// out. A stack is shown only with --debug, or where the fault is this program's.

import { AdminError, ConfigError, InvalidArgumentError, KafkaError } from '../errors.ts'
import { toJson } from './output.ts'

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What the command was given to work on cannot be used: exit code 1. */
export class InputError extends Error {
  override readonly name = 'InputError'
}

/** Standard output cannot be written: exit code 1. */
export class OutputError extends Error {
  override readonly name = 'OutputError'

  constructor(cause: Error) {
    super(`Standard output cannot be written: ${cause.message}`)
  }
}

/** The command did its work, and what it found is bad: exit code 1, without another message. */
export class FoundProblems extends Error {
  override readonly name = 'FoundProblems'
}

/** The reason of a signal that Ctrl-C, or a reader that went away, aborted: not an error to be shown. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** Whether the reader of the output went away. */
  readonly isPipeClosed: boolean

  constructor(isPipeClosed: boolean) {
    super('interrupted')
    this.isPipeClosed = isPipeClosed
  }
}

export interface FailureStyle {
  json: boolean
  debug: boolean
}

/** What goes to standard error. */
export function failureText(error: unknown, { json, debug }: FailureStyle): string {
  const lines = distinct(partsOf(error)).map((one) => {
    if (json) return toJson({ error: failureObject(one) })
    const text = `Error: ${sentence(one)}`
    return debug || isOurs(one) ? `${text}\n${stackOf(one)}` : text
  })
  return lines.join('\n')
}

/** The exit code that an error stands for. What the library refuses to be given came from a flag. */
export function exitCodeOf(error: unknown): number {
  const isUsage = [UsageError, ConfigError, InvalidArgumentError].some(
    (kind) => error instanceof kind,
  )
  return isUsage || unreadableFile(error) !== null ? 2 : 1
}

/** The path of a file that was named and cannot be read. */
function unreadableFile(error: unknown): string | null {
  if (!(error instanceof Error && 'syscall' in error && 'path' in error)) return null
  const { syscall, path } = error
  return typeof path === 'string' && syscall === 'open' ? path : null
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const file = unreadableFile(error)
  const lines = [
    file === null ? withoutCalls(error.message) : `${file} cannot be read: ${error.message}`,
  ]
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    const text = withoutCalls(cause.message)
    if (lines[0].includes(text)) continue
    // What a cause ends with is often what the error above it ends with.
    const end = text.slice(text.lastIndexOf(': ') + 1)
    if (!lines.some((line) => line.includes(end))) lines.push(`  because: ${text}`)
  }
  return lines.join('\n')
}

/** `createTopics() of topic "x" failed: ...` is for programs; at the terminal it is `topic "x": ...`. */
function withoutCalls(message: string): string {
  return message
    .replaceAll(/\b[a-z]\w+\(\) of (.+?) failed: /g, '$1: ')
    .replaceAll(/\b[a-z]\w+\(\) failed: /g, '')
    .replaceAll(/\b[a-z]\w+\(\) of /g, '')
    .replaceAll(/\b[a-z]\w+\(\) timed out/g, 'The request timed out')
    .replaceAll(/^[a-z]\w+\(\): /g, '')
}

function failureObject(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) }
  const { name, message } = error
  const code: unknown = Reflect.get(error, 'code')
  const codeName: unknown = Reflect.get(error, 'codeName')
  return { name, code, codeName, message: withoutCalls(message) }
}

function isOurs(error: unknown): boolean {
  const expected = [KafkaError, UsageError, InputError, OutputError]
  if (expected.some((kind) => error instanceof kind)) return false
  // What the operating system refused, such as a file that is not there: its message says it all.
  return !(error instanceof Error && ('syscall' in error || 'code' in error))
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? '') : ''
}

/** The errors that an error of several is made of. */
function partsOf(error: unknown): unknown[] {
  const isSeveral = error instanceof AggregateError && error.message === ''
  return isSeveral || error instanceof AdminError ? error.errors.flatMap(partsOf) : [error]
}

function distinct(errors: readonly unknown[]): unknown[] {
  const messageOf = (error: unknown): unknown => (error instanceof Error ? error.message : error)
  return [...new Map(errors.map((error) => [messageOf(error), error])).values()]
}
