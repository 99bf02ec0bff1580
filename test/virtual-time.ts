// Virtual time: each turn of the event loop takes a given time, however long it really took, and when nothing is left
// to do and no socket has anything new, the clock jumps to the next timer. Hours of waiting pass at once, and a slow
// machine changes nothing.
//
// Virtual are setTimeout, setInterval, AbortSignal.timeout, performance.now and Date.now. Sockets, promises and
// setImmediate are real: it works only where both ends of each connection are in this process.

import { performance } from 'node:perf_hooks'
import { codecByName } from '../src/compression/codecs.ts'

/** After this many turns of the event loop without an event of a socket or thread, everything sent was received. */
const QUIET_TURNS = 3

const real = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  signalTimeout: AbortSignal.timeout,
  dateNow: Date.now,
}
const ownFile = new URL(import.meta.url).pathname
const realNow = performance.now.bind(performance)

/** Milliseconds of the real clock, also while time is virtual. */
export function realMs(): number {
  return realNow()
}

/** As Node's Timeout: what setTimeout and setInterval return while time is virtual. */
class VirtualTimer {
  at: number
  /** Where it was started. */
  readonly origin: Error = new Error('started')
  private readonly time: VirtualTime
  private readonly callback: () => void
  private readonly ms: number
  private readonly repeats: boolean
  private isRef = true

  constructor(time: VirtualTime, callback: () => void, ms: number, repeats: boolean) {
    this.time = time
    this.callback = callback
    this.ms = ms >= 1 && ms < 2 ** 31 ? Math.trunc(ms) : 1
    this.repeats = repeats
    this.at = time.now + this.ms
  }

  /** Whether the client or the broker has started it, rather than a test. */
  get isOfSources(): boolean {
    const frames = this.origin.stack?.split('\n').slice(1) ?? []
    return frames.find((frame) => !frame.includes(ownFile))?.includes('/src/') === true
  }

  ref(): this {
    this.isRef = true
    return this
  }

  unref(): this {
    this.isRef = false
    return this
  }

  hasRef(): boolean {
    return this.isRef
  }

  refresh(): this {
    this.at = this.time.now + this.ms
    this.time.timers.add(this)
    return this
  }

  close(): this {
    this.time.timers.delete(this)
    return this
  }

  fire(): void {
    if (this.repeats) this.at = this.time.now + this.ms
    else this.close()
    this.callback()
  }
}

class VirtualTime {
  /** Virtual milliseconds, by the clock that performance.now() reads. */
  now: number = realNow()
  readonly timers = new Set<VirtualTimer>()
  /** Compressions in the thread pool: their end is an event, but nothing shows that they run. */
  private working = 0
  private turnMs = 0
  private isRunning = false

  async run<T>(turnMs: number, work: () => Promise<T>): Promise<T> {
    if (this.isRunning) throw new Error('a run in virtual time began before the last one had ended')
    this.isRunning = true
    this.turnMs = turnMs
    const restore = this.install()
    const passing = this.passTime()
    try {
      const result = await work()
      this.requireNoTimers()
      return result
    } finally {
      this.isRunning = false
      this.timers.clear()
      restore()
      await passing
    }
  }

  /** What was closed leaves nothing that is still due. */
  private requireNoTimers(): void {
    const left = [...this.timers]
      .filter((timer) => timer.isOfSources)
      .map(({ origin }) => origin.stack)
    if (left.length > 0) throw new Error(`${left.length} timers are left: ${left.join('\n')}`)
  }

  private async passTime(): Promise<void> {
    let quietTurns = 0
    let events = 0
    while (this.isRunning) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      // Node 20.18, 22.8 and later count them.
      const last = events
      events = performance.nodeTiming.uvMetricsInfo.events
      const isQuiet = events === last && this.working === 0
      quietTurns = isQuiet ? quietTurns + 1 : 0
      const next = this.nextTimer()
      if (quietTurns < QUIET_TURNS) this.now += this.turnMs
      else if (next !== undefined) this.now = Math.max(this.now, next.at)
      if (next === undefined || next.at > this.now) continue
      quietTurns = 0
      try {
        next.fire()
      } catch (error) {
        // As Node does with what a timer throws.
        process.nextTick(() => {
          throw error
        })
      }
    }
  }

  private nextTimer(): VirtualTimer | undefined {
    let next: VirtualTimer | undefined
    for (const timer of this.timers) if (next === undefined || timer.at < next.at) next = timer
    return next
  }

  private readonly start = (repeats: boolean) =>
    ((callback: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
      const timer = new VirtualTimer(this, () => callback(...args), ms, repeats)
      this.timers.add(timer)
      return timer
    }) as unknown as typeof globalThis.setTimeout

  private readonly clear = (timer: unknown): void => {
    if (timer instanceof VirtualTimer) timer.close()
    else real.clearTimeout(timer as NodeJS.Timeout)
  }

  private readonly signalTimeout = (ms: number): AbortSignal => {
    const controller = new AbortController()
    const abort = (): void => controller.abort(new DOMException('timed out', 'TimeoutError'))
    const timer = new VirtualTimer(this, abort, ms, false)
    timer.origin.stack = ''
    this.timers.add(timer)
    return controller.signal
  }

  private install(): () => void {
    this.now = Math.max(this.now, realNow())
    const wallOffset = real.dateNow() - this.now
    const uncount = this.countCompressions()
    globalThis.setTimeout = this.start(false)
    globalThis.setInterval = this.start(true) as typeof globalThis.setInterval
    globalThis.clearTimeout = this.clear
    globalThis.clearInterval = this.clear
    AbortSignal.timeout = this.signalTimeout
    Date.now = () => Math.floor(this.now + wallOffset)
    performance.now = () => this.now
    // Where it measures nothing, the client takes the elapsed time.
    performance.eventLoopUtilization = () => ({ idle: 0, active: 0, utilization: 0 })
    return () => {
      uncount()
      globalThis.setTimeout = real.setTimeout
      globalThis.setInterval = real.setInterval
      globalThis.clearTimeout = real.clearTimeout
      globalThis.clearInterval = real.clearInterval
      AbortSignal.timeout = real.signalTimeout
      Date.now = real.dateNow
      Reflect.deleteProperty(performance, 'now')
      Reflect.deleteProperty(performance, 'eventLoopUtilization')
    }
  }

  private countCompressions(): () => void {
    const restores = (['gzip', 'zstd'] as const).flatMap((name) => {
      const codec = codecByName(name)
      return (['compress', 'compressTransient', 'decompress'] as const).map((method) => {
        const original = codec[method]
        if (original === undefined) return () => {}
        codec[method] = (data: Buffer, setting: number) => {
          const result = original.call(codec, data, setting)
          if (!(result instanceof Promise)) return result
          this.working++
          return result.finally(() => this.working--)
        }
        return () => {
          codec[method] = original
        }
      })
    })
    return () => {
      for (const restore of restores) restore()
    }
  }
}

const time = new VirtualTime()

/**
 * Runs `work` while time is virtual. Fails if a timer of the client or of the broker is left.
 * @param turnMs how long a turn of the event loop takes: how slow the machine is
 */
export function inVirtualTime<T>(turnMs: number, work: () => Promise<T>): Promise<T> {
  return time.run(turnMs, work)
}
