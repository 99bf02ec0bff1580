// Makes docs/reference/errors.md of the error classes, and of what a caller should do about each.

import { read } from './files.ts'

interface Advice {
  /** What is known of the record, transaction or offset that the call was about. */
  readonly persisted: string
  readonly advice: string
}

/** For each class; a test demands an entry for every class, and no other. */
export const adviceByClass: Readonly<Record<string, Advice>> = {
  KafkaError: {
    persisted: '',
    advice: 'The base class. Catch it to tell errors of this client from others.',
  },
  BrokerError: {
    persisted: 'no, unless the message says otherwise',
    advice:
      'Read `codeName`. With `retriable` the same call may succeed later; the client has already retried within its time.',
  },
  ConnectionError: {
    persisted: 'maybe, when `wasSent`',
    advice:
      'Check `bootstrapServers`, the network and the listeners that the brokers advertise. The message lists each address and its cause.',
  },
  AuthenticationError: {
    persisted: 'no',
    advice:
      'Check `sasl` and the client certificate in `ssl`. Retrying without a change fails again, unless `retriable` is true: the brokers had accepted these credentials before.',
  },
  TimeoutError: {
    persisted: 'maybe, when `wasSent`',
    advice: 'The message names the call and what it waited for. Call again, or give it more time.',
  },
  DeliveryError: {
    persisted: '`persisted`: `no` or `maybe`',
    advice:
      'With `no` send the record again if you still want it. With `maybe` find out first whether it was written, or accept a duplicate. `cause` says why it failed.',
  },
  DeliveryTimeoutError: {
    persisted: '`persisted`: `no` or `maybe`',
    advice:
      'As for DeliveryError. The brokers were unavailable, or slower than `deliveryTimeoutMs`.',
  },
  BatchDeliveryError: {
    persisted: 'each record has its own error',
    advice: 'Walk `results`, which has the outcome of every record in the order of the call.',
  },
  AdminError: {
    persisted: 'items without an error are done',
    advice: 'Walk `results`, or `errors` for the items that failed.',
  },
  UnsupportedVersionError: {
    persisted: 'no',
    advice:
      'The broker is too old (or too new) for this call. The message names the API and versions.',
  },
  DecodeError: {
    persisted: '',
    advice:
      'The bytes are corrupt, or not what they were taken for. A consumer stays where it is: seek past the batch to skip it.',
  },
  ConfigError: {
    persisted: 'no',
    advice: 'Correct the option that the message names.',
  },
  InvalidArgumentError: {
    persisted: 'no',
    advice: 'Correct the argument that the message names. Nothing was sent.',
  },
  ClosedError: {
    persisted: 'no',
    advice: 'Create a new client. A closed one does not open again.',
  },
  FencedError: {
    persisted: 'no',
    advice:
      'Close this client. Either a successor with the same `transactionalId` or `groupInstanceId` has taken over, or a transaction was open for longer than `transactionTimeoutMs`.',
  },
  InvalidTransactionStateError: {
    persisted: 'no',
    advice: 'Call one of the methods that the message names. The transaction is unchanged.',
  },
  TransactionAbortableError: {
    persisted: 'no',
    advice:
      'Call `abortTransaction()`, then repeat the transaction. `transaction()` aborts by itself.',
  },
  OutcomeUnknownError: {
    persisted: 'maybe',
    advice:
      'Call the same method again until it says what happened, or `initTransactions()`. Do not assume either outcome.',
  },
  CommitFailedError: {
    persisted: 'no',
    advice:
      'The partition belongs to another member, or the coordinator refused. The records will be delivered again, here or there.',
  },
  AcknowledgementError: {
    persisted: '',
    advice:
      'Nothing: the group delivers the records again. If locks run out often, lower `maxPollRecords`, renew locks, or raise `share.record.lock.duration.ms` of the group.',
  },
  BufferExhaustedError: {
    persisted: 'no',
    advice: 'Await `drained()` before the next record, raise `bufferMemory`, or send less.',
  },
  OffsetOutOfRangeError: {
    persisted: '',
    advice:
      'Set `autoOffsetReset`, or `seek()` to an offset within the bounds that the message gives.',
  },
  SerializationError: {
    persisted: 'no',
    advice: 'The record alone was refused. See the `cause`: correct the value or the serializer.',
  },
  SchemaRegistryError: {
    persisted: '',
    advice:
      'See `status` and `errorCode`; `incompatibilities` says what a compatible schema may not do. When `retriable`, try again.',
  },
  DeserializationError: {
    persisted: '',
    advice:
      'Correct the producer or the deserializer. `poisonRecords` makes a consumer skip such records, or send them to a topic.',
  },
}

export interface ErrorDoc {
  readonly name: string
  readonly code: string
  readonly when: string
  readonly fields: readonly string[]
}

/** The error classes in order of the source. */
export function errorDocs(): ErrorDoc[] {
  const text = read('src/errors.ts')
  const starts = [...text.matchAll(/^export class (\w+)[^{]*\{$/gm)]
  return starts.map((match, index) => {
    const body = text.slice(match.index, starts[index + 1]?.index ?? text.length)
    const before = text.slice(0, match.index)
    const comment = before.slice(before.lastIndexOf('/**') + 3, before.lastIndexOf('*/'))
    const code = /readonly code(?::[^=]*)? = '(\w+)'/.exec(body)?.[1] ?? ''
    const fields = [...body.matchAll(/^ {2}readonly (\w+):/gm)]
      .map(([, field]) => field)
      .filter((field) => field !== 'code')
    return {
      name: match[1],
      code,
      when: comment
        .replaceAll(/^\s*\* ?/gm, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
      fields,
    }
  })
}

export function errorPage(): string {
  const rows = errorDocs().map(({ name, code, when, fields }) => {
    const { persisted, advice } = adviceByClass[name]
    const shown = fields.map((field) => `\`${field}\``).join(', ')
    return `| \`${name}\`<br>\`${code}\` | ${when} | ${shown} | ${persisted} | ${advice} |`
  })
  return `${[
    '# Errors',
    '',
    '<!-- Written by `npm run docs` from the sources. Do not edit. -->',
    '',
    'Every error of this client is a `KafkaError`. Its `code` never changes, and identifies it also where',
    '`instanceof` does not, across two copies of the package. `retriable` says whether the same call may',
    'succeed later. `cause` holds the error behind it. "Written" says what is known of the record, offset or',
    'change that the call was about.',
    '',
    '| class and code | when | fields | written | what to do |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')}\n`
}
