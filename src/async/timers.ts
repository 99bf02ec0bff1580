// Timers for durations of any length. Node's own fire at once above 2^31-1 ms (24.8 days); here a limit
// that is longer than that, or Infinity, means no limit.

/** The longest delay that Node's timers take, in milliseconds. */
export const MAX_TIMER_MS = 2_147_483_647

/** Calls `callback` after `ms`. @returns undefined if `ms` is too long for a timer: it never fires */
export function startTimer(callback: () => void, ms: number): NodeJS.Timeout | undefined {
  return ms > MAX_TIMER_MS ? undefined : setTimeout(callback, ms)
}

/** Calls `callback` every `ms`. @returns undefined if `ms` is too long for a timer: it never fires */
export function startInterval(callback: () => void, ms: number): NodeJS.Timeout | undefined {
  return ms > MAX_TIMER_MS ? undefined : setInterval(callback, ms)
}

/** A signal that aborts with Node's TimeoutError after `ms`. It does not keep the process alive. */
export function timeoutSignal(ms: number): AbortSignal {
  if (ms > MAX_TIMER_MS) return new AbortController().signal
  return AbortSignal.timeout(Math.max(0, Math.ceil(ms)))
}
