// Checks of what callers give to the consumer's methods, before anything happens. Each error names the call
// and the argument, and says what was expected and what came.

import { joinSignals } from '../async/any-signal.ts'
import type { CloseLimits } from '../async/closing-limits.ts'
import { timeoutSignal } from '../async/timers.ts'
import { checkSignal } from '../async/wait.ts'
import { describeValue, InvalidArgumentError } from '../errors.ts'
import { readKeys, readProperty, readSafely } from '../read-argument.ts'
import { isTopicName } from '../topic-partition.ts'
import { isTopic, type TopicSelector } from './options.ts'
import type { CloseOptions } from './types.ts'

/** @throws {InvalidArgumentError} unless it is an array of names, patterns and `kafka.topic()` */
export function checkTopics(call: string, topics: unknown): readonly TopicSelector[] {
  if (!Array.isArray(topics)) {
    const hint = isTopicName(topics) ? `. Write ['${topics}']` : ''
    throw new InvalidArgumentError(
      `${call}: topics must be an array of names, regular expressions or kafka.topic(), got ${describeValue(topics)}${hint}`,
    )
  }
  // A hole in the array is an entry too.
  return readSafely(call, 'topics', () =>
    Array.from(topics, (entry: unknown) => checkTopic(call, entry)),
  )
}

function checkTopic(call: string, entry: unknown): TopicSelector {
  if (entry instanceof RegExp || isTopicName(entry) || isTopic(entry)) return entry
  if (typeof entry === 'string') {
    throw new InvalidArgumentError(
      `${call}: '${entry}' is not a valid topic name: expected 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'. For a pattern, give a RegExp`,
    )
  }
  throw new InvalidArgumentError(
    `${call}: a topic must be a name, a regular expression or kafka.topic(), got ${describeValue(entry)}`,
  )
}

/**
 * The options that were given, each read once.
 * @throws {InvalidArgumentError} when `options` is not an object, has a name not in `known`, or cannot be read
 */
export function readNamed<T extends object>(
  call: string,
  options: unknown,
  known: readonly string[],
): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InvalidArgumentError(
      `${call}: expected an object of options, got ${describeValue(options)}`,
    )
  }
  const unknown = readKeys(call, options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(
      `${call}: unknown option "${unknown}". It takes ${known.join(', ')}`,
    )
  }
  const given = known.map((name) => [name, readProperty(call, options, name)])
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as T
}

/** @throws {InvalidArgumentError} when it is given and is not 0 ms or more, or Infinity */
function checkTimeout(call: string, timeoutMs: unknown): void {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return
  throw new InvalidArgumentError(
    `${call}: timeoutMs must be a number of ms, 0 or more, or Infinity, got ${describeValue(timeoutMs)}`,
  )
}

/** What a loop takes. @throws {InvalidArgumentError} */
export function checkLoopOptions(call: string, options: unknown): AbortSignal | undefined {
  const { signal } = readNamed<{ signal?: AbortSignal }>(call, options, ['signal'])
  checkSignal(call, signal)
  return signal
}

const CLOSE_TIMEOUT_MS = 30_000

/** What close() keeps of its time for the last commit and for leaving the group, at most (ms). */
const LAST_COMMIT_MS = 1000
/** Of that, for leaving the group. */
const LEAVE_MS = 500

/** What `close` takes. @throws {InvalidArgumentError} */
export function checkCloseOptions(options: unknown): CloseLimits & {
  readonly leave: boolean | undefined
  readonly signal: AbortSignal | undefined
  /** Lets go of the caller's signal, which may live much longer than the consumer. */
  readonly release: () => void
} {
  const call = 'close()'
  const given = readNamed<CloseOptions>(call, options, ['timeoutMs', 'leave', 'signal'])
  const { timeoutMs = CLOSE_TIMEOUT_MS, leave, signal } = given
  checkTimeout(call, timeoutMs)
  checkSignal(call, signal)
  if (leave !== undefined && typeof leave !== 'boolean') {
    throw new InvalidArgumentError(
      `${call}: leave must be true or false, got ${describeValue(leave)}`,
    )
  }
  // Handlers have a little less time, so that the last commit has some, and that less than leaving the group.
  const handlerMs = timeoutMs - Math.min(LAST_COMMIT_MS, timeoutMs / 4)
  const commitMs = timeoutMs - Math.min(LEAVE_MS, timeoutMs / 8)
  const limits = [handlerMs, commitMs, timeoutMs].map((ms) =>
    joinSignals([timeoutSignal(ms), signal]),
  )
  const [handlerDeadline, commitDeadline, deadline] = limits
  const release = (): void => {
    for (const limit of limits) limit.release()
  }
  return {
    handlerDeadline: handlerDeadline.signal,
    commitDeadline: commitDeadline.signal,
    deadline: deadline.signal,
    leave,
    signal,
    release,
  }
}
