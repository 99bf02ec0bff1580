// One copier of the copy job: reads the input as a member of a group, writes each record to the same
// partition of the output, and commits both as one transaction. It writes down what it does before it
// does it, in lines that outlive kill -9. Ends with code 0 when standard input ends, with 3 when another
// one has taken over its transactional id, and else with 1; whoever started it starts the next life.

import { openSync, writeSync } from 'node:fs'
import { copyOf } from './copied.mjs'

const options = JSON.parse(process.argv[2])
const { Kafka, CommitFailedError, FencedError, OutcomeUnknownError, TransactionAbortableError } =
  await import(options.package ?? 'kafkawire')

const file = openSync(options.ledger, 'a')
const { life } = options
const note = (what, more = {}) =>
  writeSync(file, `${JSON.stringify({ at: Date.now(), life, what, ...more })}\n`)

const stop = new AbortController()
process.stdin.on('end', () => stop.abort())
process.stdin.resume()
process.on('unhandledRejection', (error) => {
  note('rejection', { error: String(error?.stack ?? error) })
})

const log = (text) => console.error(new Date().toISOString().slice(11, 23), text)
const logger = options.isVerbose ? { debug: log, info: log, warn: log, error: log } : undefined
const kafka = new Kafka({
  bootstrapServers: options.bootstrapServers,
  clientId: options.transactionalId,
  logger,
})
const producer = kafka.producer({
  transactionalId: options.transactionalId,
  transactionTimeoutMs: options.transactionTimeoutMs,
  requestTimeoutMs: options.requestTimeoutMs,
  deliveryTimeoutMs: options.deliveryTimeoutMs,
  maxBlockMs: options.maxBlockMs,
  lingerMs: 5,
})
const consumer = kafka.consumer({
  groupId: options.groupId,
  topics: [options.input],
  autoOffsetReset: 'earliest',
  enableAutoCommit: false,
  isolationLevel: 'read_committed',
  partitionAssignors: [options.assignor],
  sessionTimeoutMs: 6000,
  heartbeatIntervalMs: 500,
})

let transaction = 0
let count = 0

function begin() {
  transaction++
  count = 0
}

function outputFor(record) {
  count++
  return {
    topic: options.output,
    partition: record.partition,
    key: record.key,
    value: copyOf(life, transaction, record.value),
  }
}

/** As long as something may be copied; a transaction is ended after so many records, or so long. */
const ways = {
  /** producer.transaction(), and the consumer's records in it. */
  async transaction() {
    await producer.initTransactions()
    while (!stop.signal.aborted) {
      // Held by name: Node 20 lets a timeout that only AbortSignal.any knows be collected.
      const timeUp = AbortSignal.timeout(options.mostMs)
      const until = AbortSignal.any([stop.signal, timeUp])
      try {
        await producer.transaction(
          async (tx) => {
            begin()
            try {
              for await (const record of consumer.records({ signal: until })) {
                if (!tx.enqueue(outputFor(record))) await producer.drained()
                if (count === options.recordsPerTransaction) break
              }
            } catch (error) {
              if (!stop.signal.aborted && !timeUp.aborted) throw error
            }
            await tx.sendOffsets(consumer)
            note('ready', { transaction, count })
          },
          { consumer },
        )
        note('committed', { transaction, count })
      } catch (error) {
        if (error instanceof OutcomeUnknownError) throw error
        note('aborted', { transaction, error: error.message })
        const canGoOn =
          error instanceof CommitFailedError || error instanceof TransactionAbortableError
        if (!canGoOn && !error.retriable) throw error
      }
    }
  },
  /** kafka.pipe(), which does all of that. */
  async pipe() {
    begin()
    const handle = (records) => {
      const outputs = Array.from(records, outputFor)
      note('ready', { transaction, count })
      return outputs
    }
    await kafka.pipe(consumer, handle, {
      producer,
      maxTransactionRecords: options.recordsPerTransaction,
      maxWaitMs: options.mostMs,
      signal: stop.signal,
      onCommit: () => {
        note('committed', { transaction, count })
        begin()
      },
      onAbort: (error) => {
        note('aborted', { transaction, error: error.message })
        begin()
      },
    })
  },
}

console.log('started')
note('started')
try {
  await ways[options.by]()
} catch (error) {
  // One that was fenced may not know what became of its last commit.
  const isFenced = error instanceof FencedError || error.cause instanceof FencedError
  note(isFenced ? 'fenced' : 'failed', {
    transaction,
    error: String(error?.stack ?? error),
  })
  console.error(error)
  process.exitCode = isFenced ? 3 : 1
}
try {
  await kafka.close()
  note('closed')
} catch (error) {
  note('failed', { transaction, error: String(error?.stack ?? error) })
  process.exitCode = 1
}
// No process.exit(): that a closed client lets the process end is one of the laws.
