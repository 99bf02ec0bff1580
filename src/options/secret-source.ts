// Calls a function of the user that handles secrets. What it throws is kept by its message alone: the error
// of an HTTP client carries the whole request, with its headers and body, and a log line of our error would
// print that too.

import { KafkaError } from '../errors.ts'

/** @throws what `ask` throws, without what hangs on it */
export async function askForSecret<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw withoutDetails(error)
  }
}

/** The same error as far as it may be printed: name, message, code and where it was thrown. */
function withoutDetails(error: unknown): Error {
  if (error instanceof KafkaError) return error
  if (!(error instanceof Error)) return new Error('it threw something that is not an Error')
  const { name, message, stack } = error
  const code: unknown = Reflect.get(error, 'code')
  const shown = new Error(message)
  Object.defineProperty(shown, 'name', { value: name, enumerable: false })
  Object.defineProperty(shown, 'stack', { value: stack, enumerable: false })
  return typeof code === 'string' ? Object.assign(shown, { code }) : shown
}
