// The logger interface. Silent by default: a library does not write to a terminal it does not own.

/** Where the client reports what is worth knowing but fails no call. Any of pino, winston, console fits. */
export interface Logger {
  debug(message: string, details?: Record<string, unknown>): void
  info(message: string, details?: Record<string, unknown>): void
  warn(message: string, details?: Record<string, unknown>): void
  error(message: string, details?: Record<string, unknown>): void
}

function silent(): void {}

/** The default: says nothing. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }
