// What flush() waits for: everything that was taken before the call. Each live thing (a batch, or a record
// that waits for metadata or memory) belongs to a generation, and a flush closes the current one. A flush
// is done when no generation up to its own has anything alive.

interface Generation {
  live: number
  /** Set when a flush closed this generation. */
  resolve: (() => void) | null
  promise: Promise<void> | null
}

export class FlushTracker {
  private readonly generations: Generation[] = [{ live: 0, resolve: null, promise: null }]
  /** The number of generations[0]. */
  private oldest = 0
  private readonly onChange: () => void

  /** @param onChange called when something is alive and nothing was, and when nothing is any more */
  constructor(onChange: () => void = () => {}) {
    this.onChange = onChange
  }

  /** The generation that new things belong to. What is of an earlier one does not linger any more. */
  get current(): number {
    return this.oldest + this.generations.length - 1
  }

  /** Whether nothing is alive. */
  get isEmpty(): boolean {
    return this.generations.length === 1 && this.generations[0].live === 0
  }

  /** Something is alive from now on. Returns its generation, to be given to `leave`. */
  enter(): number {
    if (this.isEmpty) this.onChange()
    this.generations[this.generations.length - 1].live++
    return this.current
  }

  /** `count` more things of a generation in which something is alive, as when a batch is split. */
  enterAt(generation: number, count: number): void {
    this.generations[generation - this.oldest].live += count
  }

  /** Something of this generation has its outcome. */
  leave(generation: number): void {
    this.generations[generation - this.oldest].live--
    while (this.generations.length > 1 && this.generations[0].live === 0) {
      this.generations.shift()?.resolve?.()
      this.oldest++
    }
    if (this.isEmpty) this.onChange()
  }

  /** A record of this generation went into a batch: a flush that waited for the record waits for the batch. */
  transfer(generation: number, batch: { generation: number }): void {
    if (generation >= batch.generation) {
      this.leave(generation)
      return
    }
    const left = batch.generation
    batch.generation = generation
    this.leave(left)
  }

  /** Closes the current generation: what is in it is sent without lingering. */
  advance(): void {
    if (this.generations[this.generations.length - 1].live === 0) return
    this.generations.push({ live: 0, resolve: null, promise: null })
  }

  /** Resolves when everything that is alive now has its outcome. */
  flush(): Promise<void> {
    this.advance()
    if (this.generations.length === 1) return Promise.resolve()
    const closed = this.generations[this.generations.length - 2]
    closed.promise ??= new Promise((resolve) => {
      closed.resolve = resolve
    })
    return closed.promise
  }
}
