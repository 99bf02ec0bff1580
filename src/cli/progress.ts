// One line on a terminal that shows how far long work is: count, rate, time left. Nothing in a pipe.

import { monotonicMs } from '../async/clock.ts'
import { bytes, whole } from './format.ts'

const SHOW_EVERY_MS = 200

export class Progress {
  private readonly what: string
  private readonly total: number | null
  private readonly totalBytes: number | null
  private readonly startedAt = monotonicMs()
  private shownAt = 0

  /**
   * @param total how many there will be; null: not known
   * @param totalBytes how many bytes there will be, where that is known and the count is not
   */
  constructor(what: string, total: number | null, totalBytes: number | null = null) {
    this.what = what
    this.total = total
    this.totalBytes = totalBytes
  }

  private get isShown(): boolean {
    return process.stderr.isTTY === true
  }

  update(count: number, byteCount?: number): void {
    const now = monotonicMs()
    if (!this.isShown || now - this.shownAt < SHOW_EVERY_MS) return
    this.shownAt = now
    process.stderr.write(`\r\x1b[2K${this.text(count, byteCount, now)}`)
  }

  clear(): void {
    if (this.isShown && this.shownAt > 0) process.stderr.write('\r\x1b[2K')
    this.shownAt = 0
  }

  private text(count: number, byteCount: number | undefined, now: number): string {
    const seconds = Math.max(0.001, (now - this.startedAt) / 1000)
    const rate = count / seconds
    const parts = [`${this.what}: ${whole(count)}`]
    if (this.total !== null) {
      parts[0] += ` of ${whole(this.total)} (${Math.floor((100 * count) / Math.max(1, this.total))} %)`
    }
    parts.push(`${whole(rate)}/s`)
    if (byteCount !== undefined) parts.push(`${bytes(byteCount / seconds)}/s`)
    if (this.totalBytes !== null && byteCount !== undefined && byteCount > 0) {
      const left = Math.max(0, this.totalBytes - byteCount) / (byteCount / seconds)
      const percent = Math.floor((100 * byteCount) / Math.max(1, this.totalBytes))
      parts.push(`${percent} %`, `${timeLeft(left)} left`)
    }
    if (this.total !== null && rate > 0) parts.push(`${timeLeft((this.total - count) / rate)} left`)
    return parts.join(', ')
  }
}

function timeLeft(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
