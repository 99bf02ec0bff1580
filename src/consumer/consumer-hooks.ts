// The hooks that a user gives the consumer. Each event is logged as well, and what a hook throws, or
// rejects with, is logged and changes nothing.

import { callHook } from '../async/call-hook.ts'
import type { DeserializationError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { LogTruncation, ResolvedConsumerOptions } from './options.ts'

export class ConsumerHooks {
  private readonly options: ResolvedConsumerOptions
  private readonly logger: Logger

  constructor(options: ResolvedConsumerOptions, logger: Logger) {
    this.options = options
    this.logger = logger
  }

  /** Something failed, and the consumer continues. */
  onError(error: Error): void {
    this.logger.error(error.message, { error })
    this.guard(() => this.options.onError?.(error))
  }

  /** Something that keeps the consumer from working has lasted for some time. */
  onProblem(error: Error): void {
    this.logger.warn(error.message, { error })
    this.guard(() => this.options.onError?.(error))
  }

  onPoisonRecord(error: DeserializationError): void {
    this.logger.warn(`left out: ${error.message}`, { error })
    this.guard(() => this.options.onPoisonRecord?.(error))
  }

  onLogTruncated(truncation: LogTruncation): void {
    this.logger.warn('the log was truncated below the position', { truncation })
    this.guard(() => this.options.onLogTruncated?.(truncation))
  }

  /** The caller has asked for no record for `durationMs`. */
  onStall(durationMs: number): void {
    this.guard(() => this.options.onStall?.({ durationMs }))
  }

  private guard(hook: () => unknown): void {
    callHook(hook, (error) => this.logger.error('a hook of the consumer failed', { error }))
  }
}
