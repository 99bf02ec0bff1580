// Times and durations as people and Kafka's scripts write them.

import { UsageError } from './failures.ts'

const unitsMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** ISO 8601 (`PT1H30M`, `P2D`) or short (`90s`, `5m`, `1h`, `2d`, `500ms`), in ms. @throws UsageError */
export function durationMs(text: string, flag: string): number {
  const short = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (short !== null) return Math.round(Number(short[1]) * unitsMs[short[2]])
  const iso = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(
    text,
  )
  const isEmpty = iso === null || iso.slice(1).every((part) => part === undefined)
  if (isEmpty)
    throw new UsageError(`${flag} ${text}: expected a duration such as PT1H, P2D or 90s.`)
  const [weeks, days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0))
  return Math.round(
    (weeks * 7 + days) * unitsMs.d + hours * unitsMs.h + minutes * unitsMs.m + seconds * unitsMs.s,
  )
}

/** `YYYY-MM-DDTHH:mm:ss.sss`, with a zone or in UTC, or ms since 1970. @throws UsageError */
export function instantMs(text: string, flag: string): number {
  if (/^\d{10,16}$/.test(text)) return Number(text)
  const match =
    /^(\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?)(Z|[+-]\d{2}:?\d{2})?$/i.exec(
      text,
    )
  const zone = match?.[2] ?? 'Z'
  const time =
    match === null || !isDay(match[1].slice(0, 10))
      ? Number.NaN
      : Date.parse(`${match[1]}${match[1].includes('T') ? '' : 'T00:00'}${zone}`)
  if (!Number.isNaN(time)) return time
  throw new UsageError(`${flag} ${text}: expected a time such as 2026-01-31T10:00:00.000.`)
}

/** Whether the calendar has this day: a date takes February 30 for a day in March. */
function isDay(text: string): boolean {
  const time = Date.parse(text)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}
