// Can the random tests fail? Each mutant is the client with one rule taken out; the random test that is named
// must find it. `from` is text of the source file, and must be there exactly once.

/** One change of one source file. */
export interface Edit {
  /** Below src/. */
  file: string
  from: string
  to: string
}

export interface RandomMutant {
  name: string
  /** Below test/random/. */
  test: string
  edits: readonly Edit[]
}

export const randomMutants: readonly RandomMutant[] = [
  {
    name: 'what was deserialized late is judged although its place was left',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/delivery/delivery.ts',
        from: 'const isCurrent = (): boolean => state.version === version && !this.isClosed',
        to: 'const isCurrent = (): boolean => version >= 0',
      },
    ],
  },
  {
    name: 'buffers of any length come back to the pool',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/batching/buffer-pool.ts',
        from: 'if (length !== 2 ** power || buffer.buffer.byteLength !== length) return',
        to: '',
      },
      {
        file: 'records/batch-builder.ts',
        from: 'child = new BatchBuilder(maxBytes, Math.min(maxBytes, this.position), this.allocate)',
        to: 'child = new BatchBuilder(maxBytes, Math.min(maxBytes, this.position))',
      },
      {
        file: 'records/batch-builder.ts',
        from: 'if (buffer.length >= bytes) return buffer',
        to: 'if (buffer) return buffer',
      },
      {
        file: 'records/batch-builder.ts',
        from: 'if (end + 4 > start + upperBound) throw',
        to: 'if (end < 0) throw',
      },
      {
        file: 'records/record-encoder.ts',
        from: 'start + size + 3 >= buffer.length && size',
        to: 'start < 0 && size',
      },
    ],
  },
  {
    name: 'what an earlier transaction has added is taken to be there still',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/transactions/transaction-lifecycle.ts',
        from: 'this.participants.clear()\n      manager.initialized',
        to: 'manager.initialized',
      },
    ],
  },
  {
    name: 'the first abort ends the search for unknown partitions',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/admission/record-admission.ts',
        from: 'for (const held of this.memoryWaits.drain()) this.cancel(held, error)',
        to: 'this.missingPartitions.close()\n    for (const held of this.memoryWaits.drain()) this.cancel(held, error)',
      },
    ],
  },
  {
    name: 'codes that the table does not have leave no doubt',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/sending/produce-error-table.ts',
        from: "const otherFailure: Outcome = { verdict: 'fail', ...doubt }",
        to: "const otherFailure: Outcome = { verdict: 'fail', ...plain }",
      },
    ],
  },
  {
    name: 'a commit in doubt that is then refused is aborted',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/transactions/transaction-manager.ts',
        from: 'return this.isInDoubt\n',
        to: 'return false\n',
      },
    ],
  },
  {
    name: 'durations are counted by the wall clock',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'async/tick-clock.ts',
        from: 'this.time = monotonicMs()',
        to: 'this.time = wallMs()',
      },
    ],
  },
  {
    name: 'headers are read again when a record has waited',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/record.ts',
        from: '|| headers === null || Array.isArray(headers)) return record',
        to: '|| headers) return record',
      },
    ],
  },
  {
    name: 'onDelivery is told when the outcome comes',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/sending/batch-completion.ts',
        from: 'if (observer !== null) this.report(batch.partition, observer)',
        to: 'if (observer !== null) batch.deliveries.report(batch.count, observer)',
      },
    ],
  },
  {
    name: 'a retry gets new numbers',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/sending/batch-completion.ts',
        from: 'batch.retryFrom(isCounted ?',
        to: 'batch.partition.state.remove(batch)\n    batch.unnumbered()\n    batch.retryFrom(isCounted ?',
      },
    ],
  },
  {
    name: 'memory of a batch that was split is not given back',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/batching/accumulator.ts',
        from: 'i === 0 ? parent.chargedBytes % length : 0',
        to: '0',
      },
    ],
  },
  {
    name: 'a commit outlives the position that it was made under',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/offsets/commit-entries.ts',
        from: 'if (era !== state.commits.era || offset < floor) return true',
        to: 'if (offset < floor) return true',
      },
      {
        file: 'consumer/assignment/commit-position.ts',
        from: 'this.isCommittedHere = era === this.currentEra',
        to: 'this.isCommittedHere = true',
      },
    ],
  },
  {
    name: 'a reset passes the record in hand',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/consumer-core.ts',
        from: 'state.position < state.fetchOffset || state.isInHand',
        to: 'state.position < state.fetchOffset',
      },
    ],
  },
  {
    name: 'what is delivered may be committed before it is done',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/assignment/assigned-partition.ts',
        from: 'get committable(): bigint {',
        to: 'get committable(): bigint {\n    if (this.version >= 0) return this.position',
      },
    ],
  },
  {
    name: 'a response to an old question is taken',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/fetching/fetch-results.ts',
        from: 'if (target.version !== entry.version || target.fetchOffset !== entry.fetchOffset) continue',
        to: '',
      },
    ],
  },
  {
    name: 'a position is not validated by a new leader',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/assignment/assigned-partition.ts',
        from: "if (!isNewEpoch || this.state !== 'fetching' || this.fetchAt.epoch < 0) return false",
        to: 'if (this.version >= 0) return false',
      },
    ],
  },
  {
    name: 'a topic that was created again is read on from the old position',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/consumer-core.ts',
        from: 'state.awaitReset(-2n)',
        to: 'state.clearProblem()',
      },
    ],
  },
  {
    name: 'what is locked for too long is delivered',
    test: 'share.test.ts',
    edits: [
      {
        file: 'share-consumer/share-delivery.ts',
        from: 'return acquisition.session.lost === null && now < heldUntil',
        to: 'return now < heldUntil + 60_000 && acquisition !== null',
      },
    ],
  },
  {
    name: 'a session that is over is used on',
    test: 'share.test.ts',
    edits: [
      {
        file: 'share-consumer/share-broker.ts',
        from: 'this.session = new ShareSession(this.nodeId)\n    this.connection = null',
        to: 'this.connection = null',
      },
    ],
  },
  {
    name: 'what is worked on by key counts as delivered',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/run/key-worker.ts',
        from: 'chunk.taken = this.doneEnd',
        to: 'chunk.taken = this.portion.end',
      },
    ],
  },
  {
    name: 'a loop that failed gives nothing back',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/delivery/delivery.ts',
        from: 'for (const takeBack of left) takeBack()',
        to: '',
      },
    ],
  },
  {
    name: 'a record is done before its retry topic has it',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/run/retry-policy.ts',
        from: 'const isAccepted = await this.acknowledged(sending, level.topic, item, state)',
        to: 'void sending.catch(() => {})\n    const isAccepted = level.delayMs > 0',
      },
    ],
  },
  {
    name: 'what is not due is dropped',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/delivery/due-gate.ts',
        from: 'fetch.putBack(rest)',
        to: 'if (rest.count < 0) fetch.putBack(rest)',
      },
    ],
  },
  {
    name: 'a truncation passes what is in hand',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/offsets/offset-resolver.ts',
        from: 'if (endOffset < position && state.isInHand) {',
        to: 'if (endOffset < -2n) {',
      },
    ],
  },
  {
    name: 'a partition that failed is not asked again',
    test: 'consumer.test.ts',
    edits: [
      {
        file: 'consumer/assignment/attempts.ts',
        from: 'this.notBefore = until(this.failures++)',
        to: 'this.notBefore = this.failures++ === 0 ? Number.POSITIVE_INFINITY : until(0)',
      },
    ],
  },
  {
    name: 'a record that is refused with its serializer has no outcome',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'producer/admission/serialization-queue.ts',
        from: 'entry.destination.refused(error)',
        to: '',
      },
    ],
  },
  {
    name: 'the broker takes a batch that it has already',
    test: 'producer.test.ts',
    edits: [
      {
        file: 'testing/producer-state.ts',
        from: "return { kind: 'duplicate', batch }",
        to: "return { kind: 'append' }",
      },
    ],
  },
  {
    name: 'what fails is asked again at once',
    test: 'long-waits.test.ts',
    edits: [
      {
        file: 'async/retry.ts',
        from: 'Math.min(maxMs, firstMs * 2',
        to: 'Math.min(1, firstMs * 2',
      },
    ],
  },
  {
    name: 'a batch for a node that is away waits ten times as long',
    test: 'long-waits.test.ts',
    edits: [
      {
        file: 'producer/batching/accumulator.ts',
        from: 'batch.createdAt + deliveryTimeoutMs',
        to: 'batch.createdAt + 10 * deliveryTimeoutMs',
      },
      {
        file: 'producer/sending/batch-completion.ts',
        from: 'if (now >= batch.createdAt + deliveryTimeoutMs) return',
        to: 'if (now >= batch.createdAt + 10 * deliveryTimeoutMs) return',
      },
    ],
  },
  {
    name: 'a timer outlives its consumer',
    test: 'long-waits.test.ts',
    edits: [
      {
        file: 'consumer/offsets/auto-commit.ts',
        from: 'clearInterval(this.timer)',
        to: 'this.timer?.unref()',
      },
    ],
  },
]
