// Where records go that can be neither decoded nor handled. A dead letter is the record's own bytes with
// headers that say where it stood and why it is here. It is written when the brokers have acknowledged it,
// and only then does its record count as done. The producer is given from outside: the consumer has none.

import type { ConsumerRecord } from '../../records/consumer-record.ts'
import type { Header } from '../../types.ts'

/** What of a producer is needed. */
export interface DeadLetterProducer {
  /** Settles when the brokers have acknowledged the record. */
  send(record: {
    topic: string
    key: Buffer | null
    value: Buffer | null
    headers: Header[]
  }): Promise<unknown>
  close(options: { timeoutMs: number }): Promise<void>
}

const PREFIX = '__kafkawire.errors'

export class DeadLetters {
  private readonly open: () => DeadLetterProducer
  private producer: DeadLetterProducer | null = null

  /** @param open called when there is a first dead letter */
  constructor(open: () => DeadLetterProducer) {
    this.open = open
  }

  /** Settles when all are acknowledged; the original keys, values and headers are kept. */
  async send(
    topic: string,
    records: Iterable<ConsumerRecord<unknown, unknown>>,
    error: unknown,
  ): Promise<void> {
    this.producer ??= this.open()
    const { producer } = this
    const sent = [...records].map((record) => {
      const { rawKey: key, rawValue: value } = record
      return producer.send({ topic, key, value, headers: headersOf(record, error) })
    })
    // All of them, so that none is left whose failure nobody sees.
    const outcomes = await Promise.allSettled(sent)
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async close(timeoutMs: number): Promise<void> {
    await this.producer?.close({ timeoutMs })
  }
}

function headersOf(record: ConsumerRecord<unknown, unknown>, error: unknown): Header[] {
  const { topic, partition, offset, headers } = record
  const isError = error instanceof Error
  const added = {
    topic,
    partition: String(partition),
    offset: String(offset),
    exception: isError ? error.name : typeof error,
    message: isError ? error.message : String(error),
  }
  return [
    ...headers,
    ...Object.entries(added).map(([name, value]) => ({
      key: `${PREFIX}.${name}`,
      value: Buffer.from(value),
    })),
  ]
}
