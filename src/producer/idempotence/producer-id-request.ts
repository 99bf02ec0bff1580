// Gets the producer id that idempotence needs: one InitProducerId at a time, asked again while that may
// help. A refusal fails what is queued, and the next record asks again.

import { backoff, sleep } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { BrokerError, type KafkaError, toKafkaError } from '../../errors.ts'
import { brokerError, isUninformative } from '../../protocol/error-codes.ts'
import { initProducerId } from '../../protocol/messages/init-producer-id.ts'
import type { ProducerIdentity } from './producer-identity.ts'

export interface ProducerIdSourceContext {
  readonly cluster: Cluster
  readonly producer: ProducerIdentity
  /** There is one: what waited for it can be sent. */
  readonly onAdopted: () => void
  /** No retry can get one: an operator has to do something. */
  readonly onRefused: (error: KafkaError) => void
}

export class ProducerIdRequest {
  private readonly context: ProducerIdSourceContext
  private readonly abort = new AbortController()
  private isAsking = false

  constructor(context: ProducerIdSourceContext) {
    this.context = context
  }

  /** Asks for an id, if there is none and no request is in progress. */
  request(): void {
    const { producer } = this.context
    if (this.isAsking || producer.canNumber || this.abort.signal.aborted) return
    this.isAsking = true
    void this.ask()
  }

  close(): void {
    this.abort.abort()
  }

  private async ask(): Promise<void> {
    const { cluster, producer, onAdopted, onRefused } = this.context
    const { signal } = this.abort
    const { retryBackoffMs, retryBackoffMaxMs, logger } = cluster.options
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const { producerId, producerEpoch } = await this.askOnce()
        this.isAsking = false
        producer.adopt(producerId, producerEpoch)
        onAdopted()
        return
      } catch (thrown) {
        if (signal.aborted) return
        const error = toKafkaError(thrown)
        if (!mayPass(error)) {
          this.isAsking = false
          onRefused(error)
          return
        }
        logger.debug(`no producer id yet: ${error.message}`)
        // The signal only ends the wait; the loop's condition does the rest.
        await sleep(backoff(attempt, retryBackoffMs, retryBackoffMaxMs), signal).catch(() => {})
      }
    }
  }

  private async askOnce(): Promise<{ producerId: bigint; producerEpoch: number }> {
    const { cluster } = this.context
    const response = await cluster.request(
      initProducerId,
      {
        transactionalId: null,
        transactionTimeoutMs: 2_147_483_647,
        producerId: -1n,
        producerEpoch: -1,
        enable2Pc: false,
        keepPreparedTxn: false,
      },
      'any',
      { signal: this.abort.signal },
    )
    if (response.errorCode === 0) return response
    throw brokerError(response.errorCode, 'InitProducerId')
  }
}

/** Whether asking again may help. Whatever was done before, another id does no harm. */
function mayPass(error: KafkaError): boolean {
  if (error.retriable) return true
  return error instanceof BrokerError && isUninformative(error.errorCode)
}
