// What every runtime, bundler and test runner of the matrix does with the package: all codecs, a
// consumer in a group, transactions, errors. It is text that main.mjs puts behind an `import` or a
// `require`, so it has none itself.

/* biome-ignore lint/correctness/noUnusedVariables: called by what this is pasted into */
async function scenario(library, bootstrapServers, name) {
  const { Kafka, KafkaError, ConfigError, codecImplementations } = library
  const implementations = codecImplementations()
  const kafka = new Kafka({ bootstrapServers, clientId: name })
  const expected = []
  const value = (type, i) => `${type} ${i} ${'some text that repeats '.repeat(100)}`
  try {
    // 1. Every codec. One that has no implementation here says what to install.
    for (const compressionType of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      if (compressionType === 'zstd' && implementations.zstd === null) {
        check(
          throws(() => kafka.producer({ compressionType }), ConfigError, 'npm install @mongodb'),
        )
        continue
      }
      const producer = kafka.producer({ compressionType })
      const records = Array.from({ length: 10 }, (_, i) => ({
        topic: name,
        key: `${compressionType}-${i}`,
        value: value(compressionType, i),
      }))
      for (const record of records) expected.push(record.value)
      await producer.sendBatch(records)
      await producer.close()
    }

    // 2. A group reads all of it.
    const consumer = kafka.consumer({
      groupId: `${name}-group`,
      topics: [name],
      autoOffsetReset: 'earliest',
    })
    const got = []
    for await (const record of consumer) {
      got.push(record.value.toString())
      if (got.length === expected.length) break
    }
    await consumer.close()
    check(got.sort().join() === expected.sort().join())

    // 3. A transaction that commits copies and offsets, and one that aborts.
    const producer = kafka.producer({ transactionalId: `${name}-transaction` })
    const source = kafka.consumer({
      groupId: `${name}-copier`,
      topics: [name],
      autoOffsetReset: 'earliest',
      enableAutoCommit: false,
    })
    let copied = 0
    for await (const batch of source.batches()) {
      await producer.transaction(async (tx) => {
        for (const record of batch) tx.enqueue({ topic: `${name}-copy`, value: record.value })
        await tx.sendOffsets(source)
      })
      copied += batch.length
      if (copied === expected.length) break
    }
    await source.close()
    const aborted = new Error('aborted on purpose')
    const outcome = await producer
      .transaction(async (tx) => {
        await tx.send({ topic: `${name}-copy`, value: 'never seen' })
        throw aborted
      })
      .catch((error) => error)
    check(outcome === aborted)
    await producer.transaction((tx) => tx.send({ topic: `${name}-copy`, value: 'the end' }))
    const reader = kafka.consumer({
      groupId: `${name}-reader`,
      topics: [`${name}-copy`],
      autoOffsetReset: 'earliest',
      isolationLevel: 'read_committed',
    })
    const copies = []
    for await (const record of reader) {
      copies.push(record.value.toString())
      if (copies.length === expected.length + 1) break
    }
    check(copies.sort().join() === [...expected, 'the end'].sort().join())
  } finally {
    await kafka.close()
  }
  check(throws(() => new Kafka({ bootstrapServers: 7 }), KafkaError, 'bootstrapServers'))
  return implementations

  function check(isTrue) {
    if (!isTrue) throw new Error('the scenario went wrong here')
  }

  function throws(run, type, text) {
    try {
      run()
    } catch (error) {
      return error instanceof type && error.message.includes(text)
    }
    return false
  }
}
