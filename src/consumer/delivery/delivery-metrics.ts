// What deliveries count: records, per slice, and how long loops wait for them.

import { monotonicMs } from '../../async/clock.ts'
import { Sensor, SensorMap } from '../../metrics/sensors.ts'

/** A loop, as the time that it waits is asked for. */
interface WaitingLoop {
  /** Since when its caller waits for a record (ms); null: it does not; undefined: it gives no records. */
  readonly waitingSince?: number | null
}

export class DeliveryMetrics {
  /** Records that were taken out of responses, per slice: in all, and by topic. */
  readonly consumed: Sensor = new Sensor()
  readonly consumedOf: SensorMap<Sensor> = new SensorMap(
    () => new Sensor(),
    ({ lastAt }) => lastAt,
  )
  /** How long loops waited for records (ms). */
  readonly waits: Sensor = new Sensor()

  taken(topic: string, records: number): void {
    const now = monotonicMs()
    this.consumed.record(records, now)
    this.consumedOf.get(topic).record(records, now)
  }

  /** A loop waits no longer. */
  waited(since: number): void {
    const now = monotonicMs()
    this.waits.record(now - since, now)
  }

  /** Which part of their time loops wait for records, 0 to 1; NaN without a loop. */
  idleShare(loops: Iterable<WaitingLoop>): number {
    const now = monotonicMs()
    let count = 0
    let runningMs = 0
    for (const { waitingSince } of loops) {
      if (waitingSince === undefined) continue
      count++
      if (waitingSince !== null) runningMs += now - waitingSince
    }
    return count === 0 ? Number.NaN : this.waits.shareOfTime(runningMs, count)
  }
}
