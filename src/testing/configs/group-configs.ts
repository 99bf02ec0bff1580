// The configurations of one group (KIP-848, KIP-932): what a 4.4 broker accepts for them.

import { type ConfigTable, findValueProblem } from './config-definition.ts'

const SESSION = { min: 45_000, max: 60_000 }
const HEARTBEAT = { min: 5000, max: 15_000 }
const ASSIGNMENT = { min: 0, max: 15_000 }

/** A number whose range is the broker's to set. */
interface BoundedDefinition {
  readonly default: string
  readonly min: number
  readonly max: number
}

const bounded: Readonly<Record<string, BoundedDefinition>> = {
  'consumer.session.timeout.ms': { default: '45000', ...SESSION },
  'consumer.heartbeat.interval.ms': { default: '5000', ...HEARTBEAT },
  'consumer.assignment.interval.ms': { default: '1000', ...ASSIGNMENT },
  'share.session.timeout.ms': { default: '45000', ...SESSION },
  'share.heartbeat.interval.ms': { default: '5000', ...HEARTBEAT },
  'share.assignment.interval.ms': { default: '1000', ...ASSIGNMENT },
  'share.record.lock.duration.ms': { default: '30000', min: 15_000, max: 60_000 },
  'share.delivery.count.limit': { default: '5', min: 2, max: 10 },
  'share.partition.max.record.locks': { default: '2000', min: 100, max: 4000 },
  'streams.session.timeout.ms': { default: '45000', ...SESSION },
  'streams.heartbeat.interval.ms': { default: '5000', ...HEARTBEAT },
  'streams.assignment.interval.ms': { default: '1000', ...ASSIGNMENT },
  'streams.initial.rebalance.delay.ms': { default: '3000', min: 0, max: 2 ** 31 - 1 },
  'streams.num.standby.replicas': { default: '0', min: 0, max: 2 },
}

export const groupConfigs: ConfigTable = {
  ...Object.fromEntries(
    Object.entries(bounded).map(([name, definition]) => [
      name,
      { type: 'INT', default: definition.default, synonym: `group.${name}` } as const,
    ]),
  ),
  'share.auto.offset.reset': {
    type: 'STRING',
    default: 'latest',
    synonym: 'share.auto.offset.reset',
    check: (name, value) => {
      if (value === 'latest' || value === 'earliest' || isDuration(value)) return null
      return `Invalid value ${value} for configuration ${name}: Invalid share.auto.offset.reset value. Must be earliest, latest or by_duration:<duration>`
    },
  },
  'share.isolation.level': {
    type: 'STRING',
    default: 'read_uncommitted',
    oneOf: ['read_committed', 'read_uncommitted'],
    synonym: 'share.isolation.level',
  },
  'streams.assignor.name': {
    type: 'STRING',
    default: 'sticky',
    oneOf: ['sticky'],
    synonym: 'group.streams.assignors',
  },
  'streams.rack.aware.assignment.tags': {
    type: 'LIST',
    default: '',
    synonym: 'group.streams.rack.aware.assignment.tags',
  },
  'errors.deadletterqueue.copy.record.enable': { type: 'BOOLEAN', default: 'false' },
  'errors.deadletterqueue.topic.name': {
    type: 'STRING',
    default: '',
    check: (name, value) =>
      value.startsWith('__') ? `${name}: DLQ topic name must not start with '__'` : null,
  },
  'share.renew.acknowledge.enable': {
    type: 'BOOLEAN',
    default: 'true',
    synonym: 'share.renew.acknowledge.enable',
  },
}

/** What a broker says of a configuration of a group; null when it accepts it. */
export function findGroupConfigProblem(name: string, value: string): string | null {
  if (!Object.hasOwn(groupConfigs, name)) return `Unknown group config name: ${name}`
  const problem = findValueProblem(name, groupConfigs[name], value)
  if (problem !== null) return problem
  const range = Object.hasOwn(bounded, name) ? bounded[name] : null
  if (range === null || (Number(value) >= range.min && Number(value) <= range.max)) return null
  return `${name} must be in the range ${range.min} to ${range.max} inclusive.`
}

const DURATION = /^by_duration:P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

function isDuration(value: string): boolean {
  return DURATION.test(value)
}

/** The ISO 8601 duration behind `by_duration:` (ms); null for another value. */
export function resetDurationMs(value: string): number | null {
  const match = DURATION.exec(value)
  if (match === null) return null
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0))
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}
