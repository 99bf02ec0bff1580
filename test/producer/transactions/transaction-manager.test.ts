// The states of a transactional producer without any I/O: which call is legal where, what each says of a
// wrong order, and which request is due next.

import { describe, expect, test } from 'vitest'
import {
  FencedError,
  InvalidTransactionStateError,
  KafkaError,
  TransactionAbortableError,
} from '../../../src/errors.ts'
import { ProducerIdentity } from '../../../src/producer/idempotence/producer-identity.ts'
import {
  type TransactionCall,
  TransactionManager,
  type TransactionState,
} from '../../../src/producer/transactions/transaction-manager.ts'

const id = { producerId: 7n, producerEpoch: 3 }
const next = { producerId: 7n, producerEpoch: 4 }

interface Setup {
  manager: TransactionManager
  producer: ProducerIdentity
}

function make(usesVersion2 = true): Setup {
  const producer = new ProducerIdentity({ isIdempotent: true, isTransactional: true })
  const manager = new TransactionManager(producer)
  manager.canBump = true
  manager.usesVersion2 = usesVersion2
  return { manager, producer }
}

function ready(usesVersion2 = true): Setup {
  const setup = make(usesVersion2)
  setup.manager.initializing('first')
  setup.manager.initialized(id, usesVersion2)
  return setup
}

function begun(usesVersion2 = true): Setup {
  const setup = ready(usesVersion2)
  setup.manager.begin()
  return setup
}

const paths: Record<TransactionState, () => Setup> = {
  uninitialized: make,
  initializing: () => {
    const setup = make()
    setup.manager.initializing('first')
    return setup
  },
  ready,
  inTransaction: begun,
  committing: () => {
    const setup = begun()
    setup.manager.committing()
    return setup
  },
  aborting: () => {
    const setup = begun()
    setup.manager.aborting()
    return setup
  },
  abortable: () => {
    const setup = begun()
    setup.manager.abortable(new KafkaError('the cause'))
    return setup
  },
  fatal: () => {
    const setup = begun()
    setup.producer.fail(new FencedError('fenced'))
    return setup
  },
}

const legal: Record<TransactionState, readonly TransactionCall[]> = {
  uninitialized: ['initTransactions', 'beginTransaction'],
  initializing: ['beginTransaction'],
  ready: ['initTransactions', 'beginTransaction'],
  inTransaction: ['send', 'sendOffsets', 'commitTransaction', 'abortTransaction'],
  committing: ['initTransactions', 'commitTransaction'],
  aborting: ['initTransactions', 'abortTransaction'],
  abortable: ['abortTransaction'],
  fatal: [],
}

const calls = [
  'initTransactions',
  'beginTransaction',
  'send',
  'sendOffsets',
  'commitTransaction',
  'abortTransaction',
] as const

const states = Object.keys(paths) as TransactionState[]

describe.each(states)('in state %s', (state) => {
  test('is there', () => {
    expect(paths[state]().manager.state).toBe(state)
  })

  test.each(calls)('%s() is served where it is legal', (call) => {
    const { manager } = paths[state]()
    const allowed = legal[state].includes(call)
    if (allowed) {
      expect(() => manager.require(call)).not.toThrow()
      return
    }
    const kind =
      state === 'fatal'
        ? FencedError
        : state === 'abortable'
          ? TransactionAbortableError
          : InvalidTransactionStateError
    expect(() => manager.require(call)).toThrow(kind)
    expect(manager.state).toBe(state)
  })
})

test.each<[TransactionState, RegExp]>([
  ['uninitialized', /send\(\) was refused: no transaction has begun: call beginTransaction\(\)/],
  ['ready', /no transaction is open: call beginTransaction\(\)/],
  ['initializing', /initTransactions\(\) is in progress/],
  ['committing', /await commitTransaction\(\)/],
  ['aborting', /await abortTransaction\(\)/],
  ['abortable', /the cause: call abortTransaction\(\)/],
])('the error of a send in state %s says which call is next', (state, text) => {
  expect(() => paths[state]().manager.require('send')).toThrow(text)
})

test('a step that cannot be is refused', () => {
  const { manager } = make()
  expect(() => manager.begin()).toThrow(/cannot go from uninitialized to inTransaction/)
  expect(() => begun().manager.initializing('bump')).toThrow(/from inTransaction to initializing/)
})

test('an error while it is being aborted changes nothing', () => {
  const { manager } = paths.aborting()
  expect(manager.abortable(new KafkaError('late'))).toBe(false)
  expect(manager.state).toBe('aborting')
})

test('the first error is the cause, and closes the transaction for batches', () => {
  const { manager, producer } = begun()
  expect(producer.openTransaction).toBe(1)
  expect(manager.abortable(new KafkaError('first'))).toBe(true)
  expect(manager.abortable(new KafkaError('second'))).toBe(false)
  expect(producer.openTransaction).toBe(0)
  expect(() => manager.require('commitTransaction')).toThrow(/first/)
})

describe('what is asked before the next begin', () => {
  test('nothing after a plain end', () => {
    for (const usesVersion2 of [true, false]) {
      const { manager } = begun(usesVersion2)
      manager.committing()
      manager.ended(usesVersion2 ? next : null, usesVersion2)
      expect(manager.nextIdentity).toBe(null)
    }
  })

  test('the next epoch where numbers were lost, unless the end has given it', () => {
    for (const usesVersion2 of [true, false]) {
      const { manager, producer } = begun(usesVersion2)
      manager.lostNumbers()
      manager.abortable(new KafkaError('failed'))
      manager.aborting()
      manager.ended(usesVersion2 ? next : null, usesVersion2)
      expect(manager.nextIdentity).toBe(usesVersion2 ? null : 'bump')
      expect(producer.epoch).toBe(usesVersion2 ? 4 : 3)
    }
  })

  test('the next epoch after an EndTxn in doubt, before KIP-890', () => {
    const { manager } = begun(false)
    manager.committing()
    manager.endInDoubt()
    expect(manager.isOutcomeUnknown).toBe(true)
    manager.ended(null, false)
    expect(manager.nextIdentity).toBe('bump')
    manager.initializing('bump')
    manager.initialized(next, false)
    expect(manager.nextIdentity).toBe(null)
    expect(manager.isOutcomeUnknown).toBe(false)
  })

  test('a new start where the coordinator cannot raise epochs: a begin is refused until then', () => {
    const { manager } = begun(false)
    manager.canBump = false
    manager.committing()
    manager.endInDoubt()
    manager.ended(null, false)
    expect(manager.nextIdentity).toBe('first')
    expect(() => manager.require('beginTransaction')).toThrow(/call initTransactions\(\) first/)
    manager.initializing('first')
    manager.initialized(next, false)
    expect(() => manager.require('beginTransaction')).not.toThrow()
  })

  test('the next epoch where the cluster has gone to KIP-890 meanwhile', () => {
    const { manager } = begun(false)
    manager.committing()
    manager.ended(null, true)
    expect(manager.usesVersion2).toBe(true)
    expect(manager.nextIdentity).toBe('bump')
  })

  test('a first id again, when that could not be had after an unknown outcome', () => {
    const { manager } = paths.committing()
    manager.endInDoubt()
    manager.initializing('first')
    manager.initFailed()
    expect(manager.state).toBe('uninitialized')
    expect(manager.nextIdentity).toBe('first')
  })

  test('the same bump again, when that could not be had', () => {
    const { manager } = ready(false)
    manager.lostNumbers()
    manager.initializing('bump')
    manager.initFailed()
    expect(manager.state).toBe('ready')
    expect(manager.nextIdentity).toBe('bump')
  })
})

describe('whether the coordinator is told of the end', () => {
  test('not if nothing was tried', () => {
    expect(begun(true).manager.mustEnd).toBe(false)
    expect(begun(false).manager.mustEnd).toBe(false)
  })

  test('if it has added something, or may have', () => {
    const { manager } = begun(false)
    manager.addInDoubt()
    expect(manager.mustEnd).toBe(true)
    expect(manager.mayBeUnknown).toBe(true)
    manager.added()
    manager.addInDoubt()
    expect(manager.mustEnd).toBe(true)
    expect(manager.mayBeUnknown).toBe(false)
  })

  test('with KIP-890 once a batch may have been tried', () => {
    const { manager, producer } = begun(true)
    producer.hasNumbered = true
    expect(manager.mustEnd).toBe(true)
    manager.committing()
    manager.ended(next, true)
    manager.begin()
    expect(manager.mustEnd).toBe(false)
  })
})

test('before KIP-890 Produce stays below the version that adds partitions', () => {
  expect(begun(false).producer.mostProduceVersion).toBe(11)
  expect(begun(true).producer.mostProduceVersion).toBe(undefined)
})
