// The handlers of run(), as close() has to know them: it waits for every handler that is running,
// but never for the one that called it. Asynchronous context (AsyncLocalStorage) tells which
// handler calls. Each call of a handler has a separate context: what a handler left behind, such as
// a timer, may call close() later, and then close() waits for whichever handler is running by then.

import { AsyncLocalStorage } from 'node:async_hooks'

/** One call of a handler. */
interface HandlerCall {
  readonly thread: HandlerThread
  isRunning: boolean
}

/** Calls one handler after the other. */
export class HandlerThread {
  private readonly context: AsyncLocalStorage<HandlerCall>
  private call: HandlerCall | null = null
  /** Removes this thread from those that close() waits for. */
  readonly leave: () => void

  constructor(context: AsyncLocalStorage<HandlerCall>, leave: (thread: HandlerThread) => void) {
    this.context = context
    this.leave = () => leave(this)
  }

  /** Calls the handler; `settled` says that what it returned has settled. */
  begin<T, C>(handle: (item: T, context: C) => unknown, item: T, context: C): unknown {
    const call: HandlerCall = { thread: this, isRunning: true }
    this.call = call
    return this.context.run(call, handle, item, context)
  }

  settled(): void {
    if (this.call !== null) this.call.isRunning = false
  }
}

export class RunningHandlers {
  private readonly context = new AsyncLocalStorage<HandlerCall>()
  private readonly threads = new Set<HandlerThread>()
  private readonly waiters = new Set<() => void>()
  private runs = 0

  /** Around the whole of a run. Asynchronous context costs every await on Node 20: it is on only here. */
  async during(work: () => Promise<void>): Promise<void> {
    this.runs++
    try {
      await work()
    } finally {
      this.runs--
      if (this.runs === 0) this.context.disable()
    }
  }

  /** Runs `work`, which calls one handler after the other. */
  async thread(work: (thread: HandlerThread) => Promise<void>): Promise<void> {
    const thread = new HandlerThread(this.context, (left) => this.remove(left))
    this.threads.add(thread)
    try {
      await work(thread)
    } finally {
      thread.leave()
    }
  }

  /** If a running handler calls this, `whenIdle` does not wait for it. */
  leaveCaller(): void {
    if (this.runs === 0) return
    const call = this.context.getStore()
    if (call?.isRunning) call.thread.leave()
  }

  /** Settles when all threads have ended, or have called `leaveCaller`. */
  async whenIdle(): Promise<void> {
    while (this.threads.size > 0) {
      await new Promise<void>((resolve) => this.waiters.add(resolve))
    }
  }

  private remove(thread: HandlerThread): void {
    this.threads.delete(thread)
    if (this.threads.size > 0) return
    for (const resolve of this.waiters) resolve()
    this.waiters.clear()
  }
}
