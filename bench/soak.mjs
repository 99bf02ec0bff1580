// npm run bench -- soak --seconds 3600: a producer at 80 % of the rate that it reached at full speed. The slowest
// acknowledgements and turns of the event loop are what a service notices; memory must not grow.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka } from 'kafkawire'
import { makeKeys, makeValues } from './lib/harness.mjs'

/** Both ends compile what they run meanwhile, so what comes before does not count. */
const WARM_UP_S = 15
const FULL_SPEED_S = 10
const LOAD = 0.8
const TICK_MS = 5

/** An hour writes more than a disk holds: what is older than some seconds goes. */
export const soakTopicConfigs = {
  'retention.bytes': String(128 * 2 ** 20),
  'segment.bytes': String(32 * 2 ** 20),
  'file.delete.delay.ms': '0',
}

/** @returns the table, as lib/report.mjs takes it */
export async function runSoak(target, topic, seconds) {
  const kafka = new Kafka({ bootstrapServers: target.bootstrapServers, clientId: 'soak' })
  const [keys, values] = [makeKeys(), makeValues(100, 'random')]
  // Microseconds, in steps of a tenth: a list of every latency of an hour would be the memory that is measured.
  const steps = new Uint32Array(1_000_000)
  let acknowledged = 0
  let failed = null
  let isMeasuring = false
  const producer = kafka.producer({
    lingerMs: 5,
    onDelivery: (error, _metadata, sentAt) => {
      failed ??= error
      acknowledged++
      if (!isMeasuring || sentAt === undefined) return
      const step = Math.floor((performance.now() - sentAt) * 10)
      steps[Math.min(step, steps.length - 1)]++
    },
  })
  const next = (i) => ({ topic, key: keys[i % keys.length], value: values[i % values.length] })
  await producer.send(next(0))
  /** @returns records a millisecond */
  const fullSpeed = async (fullSeconds) => {
    const [began, before] = [performance.now(), acknowledged]
    while (performance.now() - began < fullSeconds * 1000) {
      for (let i = 0; i < 1000; i++) if (!producer.enqueue(next(i))) await producer.drained()
    }
    await producer.flush()
    return (acknowledged - before) / (performance.now() - began)
  }
  await fullSpeed(WARM_UP_S)
  const rate = (await fullSpeed(FULL_SPEED_S)) * LOAD
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  isMeasuring = true
  const start = performance.now()
  const cpu = process.cpuUsage()
  const memory = []
  let sent = 0
  let sampledAt = 0
  for (let now = start; now - start < seconds * 1000; now = performance.now()) {
    const due = Math.floor((now - start) * rate)
    for (; sent < due; sent++) if (!producer.enqueue(next(sent), now)) await producer.drained()
    if (now - sampledAt > (seconds * 1000) / 100) {
      sampledAt = now
      memory.push(process.memoryUsage.rss())
    }
    await sleep(TICK_MS)
  }
  await producer.flush()
  const elapsed = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  await kafka.close()
  if (failed !== null) throw failed
  const half = memory.length >> 1
  const mean = (list) => list.reduce((sum, bytes) => sum + bytes, 0) / list.length / 2 ** 20
  return {
    title: `Soak: ${seconds} s at 80 % load, ${target.kind}`,
    chart: 'value',
    rows: [
      { name: 'records a second', value: Math.round((sent / elapsed) * 1000) },
      { name: 'CPU µs per record', value: +((user + system) / sent).toFixed(3) },
      ...[0.5, 0.99, 0.999].map((share) => ({
        name: `acknowledgement p${share * 100}, ms`,
        value: percentile(steps, share),
      })),
      { name: 'event loop delay p99.9, ms', value: +(delay.percentile(99.9) / 1e6).toFixed(1) },
      { name: 'resident MB, first half', value: Math.round(mean(memory.slice(0, half))) },
      { name: 'resident MB, second half', value: Math.round(mean(memory.slice(half))) },
    ],
  }
}

function percentile(steps, share) {
  const all = steps.reduce((sum, count) => sum + count, 0)
  let left = all * share
  for (let step = 0; step < steps.length; step++) {
    left -= steps[step]
    if (left <= 0) return (step + 1) / 10
  }
  return steps.length / 10
}
