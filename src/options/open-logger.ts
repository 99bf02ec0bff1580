// Fits the logger that the user gave to the way this client logs: a message and its details. What pino and
// winston would drop or print as {} is put into the form that they keep, a line that comes again and again
// is limited, and each client has its own child logger.

import { callHook } from '../async/call-hook.ts'
import { monotonicMs } from '../async/clock.ts'
import { plainJson } from '../errors.ts'
import { type Logger, type LogLevel, logLevels } from '../logger.ts'

type Details = Record<string, unknown>
/** May return what the user's logger returned. */
type Write = (level: LogLevel, message: string, details: Details) => unknown

/** What is known of a logger besides its four methods. */
interface GivenLogger extends Logger {
  child?: unknown
  bindings?: unknown
  configure?: unknown
}

/**
 * The logger of one client.
 * @param bindings name it in each line, such as `{ client: 'producer', clientId: 'shop' }`
 */
export function openLogger(given: Logger | null, bindings: Details): Logger {
  return limited(given === null ? consoleWrite(bindings) : writeTo(given, bindings))
}

function writeTo(given: GivenLogger, bindings: Details): Write {
  // pino takes the details first, and prints an error under `err`.
  if (typeof given.bindings === 'function' && typeof given.child === 'function') {
    const child = callChild(given, bindings)
    return (level, message, { error, ...details }) => {
      const rest = plainDetails(details)
      return callMethod(child, level, error === undefined ? rest : { ...rest, err: error }, message)
    }
  }
  // winston prints an Error among the details as {}, and appends the text of one at their top.
  if (typeof given.configure === 'function' && typeof given.child === 'function') {
    const child = callChild(given, bindings)
    return (level, message, details) => callMethod(child, level, message, plainDetails(details))
  }
  if (isConsole(given)) return consoleLines((level, ...line) => given[level](...line), bindings)
  return (level, message, details) => given[level](message, { ...bindings, ...details })
}

function callChild(given: GivenLogger, bindings: Details): object {
  const child: unknown = Reflect.apply(given.child as () => unknown, given, [bindings])
  return child instanceof Object ? child : given
}

function callMethod(logger: object, level: LogLevel, ...args: unknown[]): unknown {
  const method: unknown = Reflect.get(logger, level)
  return typeof method === 'function' ? Reflect.apply(method, logger, args) : undefined
}

function plainDetails(details: Details): Details {
  return plainJson(details, true) as Details
}

function isConsole(given: Logger): boolean {
  return typeof Reflect.get(given, 'table') === 'function' && 'groupEnd' in given
}

/** The default: warnings and errors, one line each and the details behind it. */
function consoleWrite(bindings: Details): Write {
  return consoleLines((level, ...line) => {
    if (level === 'warn') console.warn(...line)
    else if (level === 'error') console.error(...line)
  }, bindings)
}

function consoleLines(
  print: (level: LogLevel, message: string, details?: Details) => void,
  bindings: Details,
): Write {
  const prefix = ['kafkawire', ...Object.values(bindings)].join(' ')
  return (level, message, details) => {
    const line = `[${prefix}] ${message}`
    // An error whose message is the line adds nothing to it.
    const { error, ...rest } = details
    const isTold = error instanceof Error && message.includes(error.message)
    const shown = isTold || error === undefined ? rest : { ...rest, error }
    if (Object.keys(shown).length === 0) print(level, line)
    else print(level, line, shown)
  }
}

/** A line that was written less than this long ago is counted, not written. */
const REPEAT_AFTER_MS = 30_000
/** How many different lines are remembered. */
const MAX_LINES = 200

interface Line {
  writtenAt: number
  suppressed: number
}

/** Limits lines that differ in nothing but numbers; `suppressed` counts those that were not written. */
function limited(write: Write): Logger {
  const lines = new Map<string, Line>()
  const log = (level: LogLevel, message: string, details: Details = {}): void => {
    // Who wants details wants all of them.
    if (level === 'debug') {
      safely(write, level, message, details)
      return
    }
    const key = `${level} ${message.replaceAll(/\d+/g, '#')}`
    const now = monotonicMs()
    const line = lines.get(key)
    if (line !== undefined && now - line.writtenAt < REPEAT_AFTER_MS) {
      line.suppressed++
      return
    }
    const suppressed = line?.suppressed ?? 0
    lines.delete(key)
    lines.set(key, { writtenAt: now, suppressed: 0 })
    for (const oldest of lines.keys()) {
      if (lines.size <= MAX_LINES) break
      lines.delete(oldest)
    }
    safely(write, level, message, suppressed === 0 ? details : { ...details, suppressed })
  }
  const logger: Partial<Logger> = {}
  for (const level of logLevels) {
    logger[level] = (message, details) => log(level, message, details)
  }
  return logger as Logger
}

/** A logger that throws, or is async and rejects, must not end what is being done. */
function safely(write: Write, level: LogLevel, message: string, details: Details): void {
  callHook(
    () => write(level, message, details),
    (error) => console.error('[kafkawire] the logger threw', error),
  )
}
