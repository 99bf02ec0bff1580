// What the options of admin calls may be: an option of one name is of one kind, whichever call takes it.

import { checkList, checkText, wrong } from './checks.ts'

type Kind = (call: string, name: string, value: unknown) => void

const flag: Kind = (call, name, value) => {
  if (typeof value !== 'boolean') throw wrong(call, name, 'true or false', value)
}
const list: Kind = (call, name, value) => {
  checkList(call, name, value as Iterable<unknown>)
}
const text: Kind = checkText
const whole: Kind = (call, name, value) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw wrong(call, name, 'a whole number', value)
  }
}
const isolation: Kind = (call, name, value) => {
  if (value === 'read_uncommitted' || value === 'read_committed') return
  throw wrong(call, name, "'read_uncommitted' or 'read_committed'", value)
}
/** The call itself says more about it. */
const unchecked: Kind = () => {}

/** The options of the calls, beside `timeoutMs` and `signal`. */
export type OptionName =
  | 'validateOnly'
  | 'waitUntilReady'
  | 'listInternal'
  | 'includeAuthorizedOperations'
  | 'includeFencedBrokers'
  | 'includeSynonyms'
  | 'includeDocumentation'
  | 'requireStable'
  | 'brokerIds'
  | 'topics'
  | 'partitions'
  | 'types'
  | 'states'
  | 'protocolTypes'
  | 'members'
  | 'producerIds'
  | 'owners'
  | 'renewers'
  | 'brokerId'
  | 'durationMs'
  | 'maxTransactionTimeoutMs'
  | 'maxLifetimeMs'
  | 'renewPeriodMs'
  | 'expiryPeriodMs'
  | 'reason'
  | 'clusterId'
  | 'owner'
  | 'transactionalIdPattern'
  | 'isolationLevel'
  | 'to'

/** What each of them may be. */
const optionKinds: Readonly<Record<OptionName, Kind>> = {
  validateOnly: flag,
  waitUntilReady: flag,
  listInternal: flag,
  includeAuthorizedOperations: flag,
  includeFencedBrokers: flag,
  includeSynonyms: flag,
  includeDocumentation: flag,
  requireStable: flag,
  brokerIds: list,
  topics: list,
  partitions: list,
  types: list,
  states: list,
  protocolTypes: list,
  members: list,
  producerIds: list,
  owners: list,
  renewers: list,
  brokerId: whole,
  durationMs: whole,
  maxTransactionTimeoutMs: whole,
  maxLifetimeMs: whole,
  renewPeriodMs: whole,
  expiryPeriodMs: whole,
  reason: text,
  clusterId: text,
  owner: text,
  transactionalIdPattern: text,
  isolationLevel: isolation,
  to: unchecked,
}

/** @throws InvalidArgumentError unless each option that was given is what it may be */
export function checkOptionKinds(
  call: string,
  options: object,
  names: readonly OptionName[],
): void {
  for (const name of names) {
    const value: unknown = Reflect.get(options, name)
    if (value !== undefined) optionKinds[name](call, `option "${name}"`, value)
  }
}
