// Checks what the calls of a test cluster and its clock are given, before anything happens.

import { describeValue, InvalidArgumentError } from '../errors.ts'

const MAX_STRING_BYTES = 32_767

/** @throws {InvalidArgumentError} unless it is a string that a request can carry. */
export function checkName(call: string, name: string, value: unknown): asserts value is string {
  const isText = typeof value === 'string' && !/\p{Surrogate}/u.test(value)
  if (isText && Buffer.byteLength(value) <= MAX_STRING_BYTES) return
  throw wrong(call, name, 'a string that a request can carry', value)
}

/** @throws {InvalidArgumentError} unless it is a number of a partition. */
export function checkPartition(call: string, value: unknown): asserts value is number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return
  throw wrong(call, 'partition', 'an integer from 0 on', value)
}

/** @throws {InvalidArgumentError} unless it is true, false or undefined. */
export function checkFlag(call: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw wrong(call, name, 'true or false', value)
}

/** @throws {InvalidArgumentError} unless it is a number of ms, from `least` on and finite. */
export function checkMs(
  call: string,
  name: string,
  value: unknown,
  least = 0,
): asserts value is number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return
  const expected = least === 0 ? 'a number from 0 on' : 'a finite number'
  throw wrong(call, name, expected, value)
}

/** @throws {InvalidArgumentError} unless it is a function. */
export function checkFunction(call: string, name: string, value: unknown): void {
  if (typeof value === 'function') return
  throw wrong(call, name, 'a function', value)
}

export function wrong(
  call: string,
  name: string,
  expected: string,
  value: unknown,
): InvalidArgumentError {
  return new InvalidArgumentError(
    `${call}: ${name} is not valid: expected ${expected}, got ${describeValue(value)}`,
  )
}
