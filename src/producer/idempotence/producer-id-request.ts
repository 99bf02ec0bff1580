// Gets the producer id that idempotence needs: one InitProducerId at a time, asked again while that may
// help and records wait for it. A refusal fails what is queued, and the next record asks again.

import { backoff, sleep } from '../../async/retry.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { type ClusterProblem, FailureStreak } from '../../cluster/problems.ts'
import { BrokerError, KafkaError, toKafkaError } from '../../errors.ts'
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
  /** Of the request in progress; null: there is none. */
  private asking: AbortController | null = null
  private isClosed = false
  private readonly failures = new FailureStreak()

  constructor(context: ProducerIdSourceContext) {
    this.context = context
  }

  /** Asks for an id, if there is none and no request is in progress. */
  request(): void {
    if (this.asking !== null || this.context.producer.canNumber || this.isClosed) return
    this.asking = new AbortController()
    void this.ask(this.asking.signal)
  }

  /** What keeps the producer from an id while records wait for one; null: nothing. */
  get problem(): ClusterProblem | null {
    return this.asking === null ? null : this.failures.problem(null, true)
  }

  /** No record waits for an id any more: the request would only keep the process alive. */
  stop(): void {
    this.asking?.abort()
    this.asking = null
  }

  close(): void {
    this.isClosed = true
    this.stop()
  }

  private async ask(signal: AbortSignal): Promise<void> {
    const { cluster, producer, onAdopted, onRefused } = this.context
    const { retryBackoffMs, retryBackoffMaxMs, logger } = cluster.options
    this.failures.succeeded()
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const { producerId, producerEpoch } = await this.askOnce(signal)
        if (signal.aborted) return
        this.asking = null
        producer.adopt(producerId, producerEpoch)
        onAdopted()
        return
      } catch (thrown) {
        if (signal.aborted) return
        const error = toKafkaError(thrown)
        if (!mayPass(error)) {
          this.asking = null
          onRefused(error)
          return
        }
        this.failures.failed(error)
        logger.debug(`no producer id yet: ${error.message}`)
        // The signal only ends the wait; the loop's condition does the rest.
        await sleep(backoff(attempt, retryBackoffMs, retryBackoffMaxMs), signal).catch(() => {})
      }
    }
  }

  private async askOnce(
    signal: AbortSignal,
  ): Promise<{ producerId: bigint; producerEpoch: number }> {
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
      { signal },
    )
    if (response.errorCode === 0) {
      if (response.producerId >= 0n) return response
      throw noProducerId()
    }
    throw brokerError(response.errorCode, 'InitProducerId', cluster.principal)
  }
}

/** A response without an error and without an id. */
export function noProducerId(): KafkaError {
  return new KafkaError('InitProducerId failed: its response has no producer id', {
    retriable: true,
  })
}

/** Whether asking again may help. Whatever was done before, another id does no harm. */
function mayPass(error: KafkaError): boolean {
  if (error.retriable) return true
  return error instanceof BrokerError && isUninformative(error.errorCode)
}
