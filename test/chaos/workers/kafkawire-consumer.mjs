// A consumer of kafkawire: a member of a group, or with all partitions assigned by hand; in one of the
// four ways of reading.

import { runConsumer, work } from './consume.mjs'

/** A consumer that is no member goes back by so many records, after so many batches. */
const seekEvery = 20
const seekBack = 50n

const ids = (partitions) => partitions.map(({ partition }) => partition)

await runConsumer(async (options, note) => {
  const { Kafka } = await import(options.package ?? 'kafkawire')
  const { topic } = options
  const log = (text) => console.error(new Date().toISOString().slice(11, 23), text)
  const logger = { debug: log, info: log, warn: log, error: log }
  const kafka = new Kafka({
    bootstrapServers: options.bootstrapServers,
    clientId: 'chaos-consumer',
    logger: options.isVerbose ? logger : undefined,
    requestTimeoutMs: options.requestTimeoutMs,
  })
  const isMember = options.groupId !== null
  const consumer = kafka.consumer({
    autoOffsetReset: 'earliest',
    onError: (error) => log(String(error)),
    onLogTruncated: (truncation) => log(`truncated ${JSON.stringify(truncation, String)}`),
    ...(isMember && {
      groupId: options.groupId,
      topics: [topic],
      groupProtocol: options.groupProtocol,
      groupInstanceId: options.groupInstanceId,
      // With KIP-848 the broker assigns, and sets these times.
      ...(options.groupProtocol !== 'consumer' && {
        partitionAssignors: options.assignors,
        sessionTimeoutMs: options.sessionTimeoutMs,
        heartbeatIntervalMs: 1000,
      }),
      autoCommitIntervalMs: options.commitIntervalMs,
      onAssigned: (partitions) => note.assigned(ids(partitions)),
      onRevoked: (partitions) => note.revoked(ids(partitions)),
      onLost: (partitions) => note.lost(ids(partitions)),
    }),
  })
  if (!isMember) {
    const all = Array.from({ length: options.partitions }, (_, partition) => partition)
    note.assigned(all)
    consumer.assign(all.map((partition) => ({ topic, partition })))
  }

  const byRecord = async (records) => {
    for await (const { partition, offset, value } of records) {
      note.delivered(partition, [{ offset, value }])
      if (Number(offset) % 100 === 0) await work(options.workMs)
      note.done(partition, offset)
    }
  }
  const onBatch = async ({ partition, records, lastOffset }) => {
    note.delivered(partition, records)
    await work(options.workMs)
    note.done(partition, lastOffset)
  }
  let batches = 0
  const ways = {
    record: () => byRecord(consumer),
    async batch() {
      for await (const batch of consumer.batches()) {
        await onBatch(batch)
        const { partition, lastOffset } = batch
        // Back a little, while a fetch of what follows is under way.
        if (!isMember && ++batches % seekEvery === 0 && lastOffset > seekBack) {
          consumer.seek({ topic, partition }, lastOffset - seekBack)
          note.sought(partition, lastOffset - seekBack)
        }
      }
    },
    run: () => consumer.run({ eachBatch: onBatch, concurrency: 4 }),
    async partitions() {
      const loops = []
      for await (const partition of consumer.partitions()) loops.push(byRecord(partition))
      await Promise.all(loops)
    },
  }
  const reading = ways[options.by]().catch((error) => {
    // What ends a consumer is a failure of the run: nobody asked it to end.
    console.error(error)
    process.exitCode = 1
  })
  return {
    async close() {
      await kafka.close()
      await reading
    },
  }
})
