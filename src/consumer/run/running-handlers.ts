// The handlers of run(), as close() has to know them: it waits for all that are at work, but never for one
// that itself waits for close(). Who calls is told by asynchronous context (AsyncLocalStorage). On Node 20
// that costs every await of the process a little, so it is on only while run() works: loops pay nothing.

import { AsyncLocalStorage } from 'node:async_hooks'

/** One thread of work: it calls one handler after the other. */
interface Thread {
  /** It does not hold up close() any more. */
  leave(): void
}

export class RunningHandlers {
  private readonly context = new AsyncLocalStorage<Thread>()
  private readonly threads = new Set<Thread>()
  private readonly waiters = new Set<() => void>()
  private runs = 0

  /** Around the whole of a run. */
  async during(work: () => Promise<void>): Promise<void> {
    this.runs++
    try {
      await work()
    } finally {
      this.runs--
      if (this.runs === 0) this.context.disable()
    }
  }

  /** What calls handlers, one after the other. */
  async thread(work: () => Promise<void>): Promise<void> {
    const thread: Thread = { leave: () => this.leave(thread) }
    this.threads.add(thread)
    try {
      await this.context.run(thread, work)
    } finally {
      thread.leave()
    }
  }

  /** Whoever calls this from within a handler is not waited for. */
  leaveCaller(): void {
    if (this.runs > 0) this.context.getStore()?.leave()
  }

  /** Settles when all threads are over, or have called `leaveCaller`. */
  async whenIdle(): Promise<void> {
    while (this.threads.size > 0) {
      await new Promise<void>((resolve) => this.waiters.add(resolve))
    }
  }

  private leave(thread: Thread): void {
    this.threads.delete(thread)
    if (this.threads.size > 0) return
    for (const resolve of this.waiters) resolve()
    this.waiters.clear()
  }
}
