// A name from another client is refused with the name, or the way, that it has here.

import { describe, expect, test } from 'vitest'
import { resolveConsumerOptions } from '../../src/consumer/options.ts'
import { ConfigError } from '../../src/errors.ts'
import { resolveKafkaOptions } from '../../src/options/kafka-options.ts'
import { resolveProducerOptions } from '../../src/producer/options.ts'

type Given = Record<string, unknown>
const connection = resolveKafkaOptions({ bootstrapServers: 'a:1' })
const kafka = (given: Given) => () => resolveKafkaOptions({ bootstrapServers: 'a:1', ...given })
const producer = (given: Given) => () => resolveProducerOptions(given, connection)
const consumer = (given: Given) => () => resolveConsumerOptions(given)

const rows: [(given: Given) => () => unknown, string, string][] = [
  [kafka, 'brokers', "it is 'bootstrapServers' here"],
  [kafka, 'bootstrap.servers', "did you mean 'bootstrapServers'?"],
  [kafka, 'bootstrap_servers', "did you mean 'bootstrapServers'?"],
  [kafka, 'metadata.broker.list', "it is 'bootstrapServers' here"],
  [kafka, 'connectionTimeout', "it is 'socketConnectionSetupTimeoutMs' here"],
  [kafka, 'requestTimeout', "it is 'requestTimeoutMs' here"],
  [kafka, 'retry', 'use retryBackoffMs'],
  [kafka, 'logLevel', "'logger'"],
  [kafka, 'client.id', "did you mean 'clientId'?"],
  [kafka, 'clientID', "did you mean 'clientId'?"],
  [kafka, 'clientld', "did you mean 'clientId'?"],
  [kafka, 'security.protocol', "set 'ssl'"],
  [kafka, 'sasl.jaas.config', "in 'sasl'"],
  [kafka, 'ssl.ca.location', "set ca in 'ssl'"],
  [kafka, 'lingerMs', "'lingerMs' is an option of kafka.producer()"],
  [kafka, 'groupId', "'groupId' is an option of kafka.consumer()"],
  [kafka, 'group.id', "'groupId' is an option of kafka.consumer()"],
  [kafka, 'fromBeginning', "set autoOffsetReset: 'earliest'"],
  [producer, 'idempotent', "it is 'enableIdempotence' here"],
  [producer, 'linger.ms', "did you mean 'lingerMs'?"],
  [producer, 'compression', "it is 'compressionType' here"],
  [producer, 'compression.codec', "it is 'compressionType' here"],
  [producer, 'createPartitioner', "it is 'partitioner' here"],
  [producer, 'message.timeout.ms', "it is 'deliveryTimeoutMs' here"],
  [producer, 'messages', 'sendBatch()'],
  [producer, 'clientId', "'clientId' is an option of new Kafka()"],
  [producer, 'brokers', "'bootstrapServers' is an option of new Kafka()"],
  [consumer, 'fromBeginning', "set autoOffsetReset: 'earliest'"],
  [consumer, 'eachMessage', 'consumer.run(handler)'],
  [consumer, 'sessionTimeout', "it is 'sessionTimeoutMs' here"],
  [consumer, 'auto.offset.reset', "did you mean 'autoOffsetReset'?"],
  [consumer, 'autoCommit', "it is 'enableAutoCommit' here"],
  [consumer, 'max.poll.records', "did you mean 'maxPollRecords'?"],
  [consumer, 'value.deserializer', "did you mean 'valueDeserializer'?"],
  [consumer, 'maxWaitTimeInMs', "it is 'fetchMaxWaitMs' here"],
  [consumer, 'lingerMs', "'lingerMs' is an option of kafka.producer()"],
]

test.each(rows)('%o: %s', (call, name, hint) => {
  const resolve = call({ [name]: 1 })
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(`unknown option '${name}': `)
  expect(resolve).toThrow(hint)
})

test.each([null, 5, 'x', [], () => {}, undefined])('%o is no object of options', (given) => {
  expect(() => resolveKafkaOptions(given as never)).toThrow(/the options must be an object, got/)
})

describe('durations', () => {
  test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])('%d ms is accepted', (ms) => {
    expect(kafka({ metadataMaxAgeMs: ms })()).toMatchObject({ metadataMaxAgeMs: ms })
    expect(producer({ deliveryTimeoutMs: ms, maxBlockMs: ms })).not.toThrow()
    expect(consumer({ defaultApiTimeoutMs: ms })).not.toThrow()
  })

  test.each([-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, '5', 5n, null])(
    '%o is refused',
    (ms) => {
      expect(kafka({ metadataMaxAgeMs: ms })).toThrow(
        /'metadataMaxAgeMs' must be a whole number of milli/,
      )
    },
  )

  test.each([2 ** 31, Number.POSITIVE_INFINITY])('%d ms does not fit into a request', (ms) => {
    expect(kafka({ requestTimeoutMs: ms })).toThrow(/1 to 2147483647/)
    expect(producer({ transactionTimeoutMs: ms })).toThrow(/1 to 2147483647/)
    expect(consumer({ sessionTimeoutMs: ms })).toThrow(/1 to 2147483647/)
  })
})
