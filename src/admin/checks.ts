// Checks of arguments, before anything happens: what was expected, what came.

import { describeValue, InvalidArgumentError } from '../errors.ts'
import { hasContentElsewhere } from '../read-argument.ts'
import { isSendable, MAX_NAME_BYTES } from '../topic-partition.ts'
import type { TopicPartition } from '../types.ts'

/** @throws InvalidArgumentError unless `value` is an array, a set or another iterable of items */
export function checkList<T>(call: string, name: string, value: Iterable<T>): T[] {
  const isIterable =
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, Symbol.iterator) === 'function'
  if (!isIterable) throw wrong(call, name, 'an array', value)
  return [...value]
}

/** As `checkList`, and each item an object. */
export function checkItems<T>(call: string, name: string, value: Iterable<T>): T[] {
  const list = checkList(call, name, value)
  for (const item of list) checkObject(call, `each of ${name}`, item)
  return list
}

/** Broker ids of the replicas of some partitions: a list of lists. */
export function checkAssignments(
  call: string,
  name: string,
  value: Iterable<Iterable<number>>,
): number[][] {
  return checkList(call, name, value).map((replicas) => {
    const brokerIds = checkList(call, `each of ${name}`, replicas)
    for (const id of brokerIds) checkInt(call, `each broker id of ${name}`, id)
    return brokerIds
  })
}

/** As `checkList`, and each item a string that is not empty. */
export function checkNames(call: string, name: string, value: Iterable<string>): string[] {
  const list = checkList(call, name, value)
  for (const item of list) checkName(call, `each of ${name}`, item)
  return list
}

/** @throws InvalidArgumentError unless `value` is a string that is not empty */
export function checkName(call: string, name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '') {
    throw wrong(call, name, 'a string that is not empty', value)
  }
  if (!isSendable(value)) {
    throw wrong(call, name, `a string of at most ${MAX_NAME_BYTES} bytes in UTF-8`, value)
  }
}

/** @throws InvalidArgumentError unless `value` is a UUID as Kafka's tools show it */
export function checkUuid(call: string, name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && /^[\w-]{22}$/.test(value)) return
  throw wrong(call, name, 'a UUID of 22 characters of base64url', value)
}

/** As `checkList`, and each item a UUID. */
export function checkUuids(call: string, name: string, value: Iterable<string>): string[] {
  const list = checkList(call, name, value)
  for (const item of list) checkUuid(call, `each of ${name}`, item)
  return list
}

/** @throws InvalidArgumentError unless `value` is a string, which may be empty */
export function checkText(call: string, name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw wrong(call, name, 'a string', value)
}

/** @throws InvalidArgumentError unless `value` is a whole number from `least` to 2147483647 */
export function checkInt(
  call: string,
  name: string,
  value: unknown,
  least = 0,
): asserts value is number {
  const isInt = typeof value === 'number' && Number.isInteger(value)
  if (!isInt || value < least || value > 2_147_483_647) {
    throw wrong(call, name, `a whole number from ${least}`, value)
  }
}

/** @throws InvalidArgumentError unless `value` is a bigint from `least` */
export function checkOffset(
  call: string,
  name: string,
  value: unknown,
  least = 0n,
): asserts value is bigint {
  if (typeof value === 'bigint' && value >= least && value < 2n ** 63n) return
  throw wrong(call, name, `a bigint from ${least}n`, value)
}

/** The value of a configuration as brokers take it. @throws InvalidArgumentError */
export function configText(call: string, name: string, value: unknown): string {
  if (['string', 'number', 'boolean', 'bigint'].includes(typeof value)) return String(value)
  throw wrong(call, name, 'a string, a number or true or false', value)
}

/** @throws InvalidArgumentError unless each item names a topic and a partition */
export function checkPartitions<T extends TopicPartition>(
  call: string,
  name: string,
  value: Iterable<T>,
): T[] {
  const list = checkList(call, name, value)
  for (const item of list) {
    checkObject(call, `each of ${name}`, item)
    checkName(call, `topic of each of ${name}`, item.topic)
    checkInt(call, `partition of each of ${name}`, item.partition)
  }
  return list
}

/**
 * @throws InvalidArgumentError unless `value` is an object. One that has its content elsewhere than in its
 * properties, such as a Map or a promise, would be taken for an empty one.
 */
export function checkObject(call: string, name: string, value: unknown): asserts value is object {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject || ArrayBuffer.isView(value) || hasContentElsewhere(value)) {
    throw wrong(call, name, 'an object', value)
  }
}

/**
 * As `checkObject`, and no other keys than these: what is misspelt would be taken for left out, which means
 * the default, or everything.
 */
export function checkItem(
  call: string,
  name: string,
  value: unknown,
  keys: readonly string[],
): asserts value is object {
  checkObject(call, name, value)
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue
    throw new InvalidArgumentError(
      `${call}: ${name} has the unknown key "${key}". It takes ${keys.join(', ')}`,
    )
  }
}

/** The options of a call, before any of them is read. @throws InvalidArgumentError */
export function checkOptions(call: string, options: unknown): void {
  checkObject(call, 'options', options)
}

export function wrong(
  call: string,
  name: string,
  expected: string,
  value: unknown,
): InvalidArgumentError {
  return new InvalidArgumentError(
    `${call}: ${name} must be ${expected}, got ${describeValue(value)}`,
  )
}
