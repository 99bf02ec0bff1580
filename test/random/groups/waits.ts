// How long a random run waits for its group to finish, in virtual time.

/** How long nothing may happen once nothing goes wrong any more, while something is left (ms). */
const PATIENCE_MS = 15_000
/** By when everything has to be done then: nothing may be done again and again for ever (ms). */
const LONG_PATIENCE_MS = 120_000
const LOOK_MS = 20

/**
 * Waits until it is over, or nothing happens any more.
 * @param progress changes as long as something happens
 */
export async function untilOver(
  isOver: () => boolean | Promise<boolean>,
  progress: () => number,
): Promise<void> {
  let last = progress()
  let quietMs = 0
  for (let waitedMs = 0; waitedMs < LONG_PATIENCE_MS; waitedMs += LOOK_MS) {
    if ((await isOver()) || quietMs > PATIENCE_MS) return
    await pause(LOOK_MS)
    quietMs = progress() === last ? quietMs + LOOK_MS : 0
    last = progress()
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
