// What one configuration accepts, and the messages that brokers refuse a value with.

/** The number that DescribeConfigs has for each type. */
export const configTypes = {
  /** Of a configuration that the broker has no definition of. */
  UNKNOWN: 0,
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const

export type ConfigType = keyof typeof configTypes

export interface ConfigDefinition {
  readonly type: ConfigType
  readonly default: string
  readonly min?: number
  readonly max?: number
  /** The values of a STRING, or the members of a LIST. */
  readonly oneOf?: readonly string[]
  /** The broker configuration that stands behind it. */
  readonly synonym?: string
  /** A further check; returns what is wrong with the value. */
  readonly check?: (name: string, value: string) => string | null
}

/** What the check of a value looks at. */
type Checked = Omit<ConfigDefinition, 'default'>

export type ConfigTable = Readonly<Record<string, ConfigDefinition>>

/** How many bits a number of each type has. */
const bits: Partial<Record<ConfigType, number>> = { SHORT: 16, INT: 32, LONG: 64 }

/** What a broker says of a value that it refuses; null when it accepts the value. */
export function findValueProblem(name: string, definition: Checked, value: string): string | null {
  const { type } = definition
  const problem =
    type === 'BOOLEAN'
      ? findBooleanProblem(value)
      : type === 'DOUBLE' || bits[type] !== undefined
        ? findNumberProblem(definition, value)
        : findTextProblem(definition, value)
  if (problem !== null)
    return `Invalid value ${problem.shown ?? value} for configuration ${name}: ${problem.reason}`
  return definition.check?.(name, value) ?? null
}

interface Problem {
  readonly reason: string
  readonly shown?: string
}

function findBooleanProblem(value: string): Problem | null {
  const isBoolean = /^\s*(true|false)\s*$/i.test(value)
  return isBoolean ? null : { reason: 'Expected value to be either true or false' }
}

function findTextProblem({ type, oneOf }: Checked, value: string): Problem | null {
  if (oneOf === undefined) return null
  const isEmpty = type === 'LIST' && value.trim() === ''
  const values = type === 'LIST' ? value.split(',').map((each) => each.trim()) : [value]
  if (isEmpty) return null
  const unknown = values.find((each) => !oneOf.includes(each))
  if (unknown === undefined) return null
  return { reason: `String must be one of: ${oneOf.join(', ')}`, shown: unknown }
}

function findNumberProblem(definition: Checked, value: string): Problem | null {
  const { type, min, max } = definition
  const trimmed = value.trim()
  const pattern =
    type === 'DOUBLE' ? /^[+-]?(NaN|(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?)$/ : /^[+-]?\d+$/
  const isNumber = pattern.test(trimmed) && (type === 'DOUBLE' || isInRange(type, trimmed))
  if (!isNumber) return { reason: `Not a number of type ${type}` }
  const number = Number(trimmed)
  const shown = type === 'DOUBLE' ? shownDouble(number) : trimmed
  if (min !== undefined && number < min) return { reason: `Value must be at least ${min}`, shown }
  if (max !== undefined && number > max) {
    return { reason: `Value must be no more than ${max}`, shown }
  }
  return null
}

function isInRange(type: ConfigType, value: string): boolean {
  const number = BigInt(value.replace(/^\+/, ''))
  return BigInt.asIntN(bits[type] ?? 64, number) === number
}

/** The value as DescribeConfigs shows it. */
export function shownValue({ type, oneOf }: Checked, value: string): string {
  switch (type) {
    case 'INT':
    case 'SHORT':
    case 'LONG':
      return String(BigInt(value.trim().replace(/^\+/, '')))
    case 'DOUBLE':
      return shownDouble(Number(value))
    case 'BOOLEAN':
      return value.trim().toLowerCase()
    case 'STRING':
    case 'CLASS':
    case 'PASSWORD':
    case 'UNKNOWN':
      return value
    case 'LIST': {
      const items = splitList(value)
      return (oneOf === undefined ? items : [...new Set(items)]).join(',')
    }
  }
}

/** As Java writes it: a whole number has a fraction too. */
function shownDouble(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

export function splitList(value: string): string[] {
  return value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}
