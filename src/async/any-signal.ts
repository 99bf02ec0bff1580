// AbortSignal.any that can be relied on. Node 20 holds the signals that it was made of weakly: an
// AbortSignal.timeout of which nobody else has a reference is collected, and never comes.

const sources = new WeakMap<AbortSignal, readonly AbortSignal[]>()

/** Aborts with the first of `signals` that does; they live as long as it. */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const any = AbortSignal.any([...signals])
  sources.set(any, signals)
  return any
}
