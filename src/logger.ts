// The logger interface. Without a logger, warnings and errors go to the console: what keeps records from
// flowing must not be silent.

/**
 * Where the client reports what is worth knowing but fails no call. A pino or winston logger fits as it is,
 * and so does `console`; of your own it takes four methods. `details` has what belongs to the message, such
 * as `{ error, nodeId, suppressed }`.
 */
export interface Logger {
  debug(message: string, details?: Record<string, unknown>): void
  info(message: string, details?: Record<string, unknown>): void
  warn(message: string, details?: Record<string, unknown>): void
  error(message: string, details?: Record<string, unknown>): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

function silent(): void {}

/** Says nothing: for those who want it so. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }
