// The small structures that the producer stands on.

import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { replaceClock } from '../../../src/async/clock.ts'
import { TickClock } from '../../../src/async/tick-clock.ts'
import { DeadlineHeap } from '../../../src/collections/deadline-heap.ts'
import { Queue } from '../../../src/collections/queue.ts'
import { removeItem } from '../../../src/collections/remove-item.ts'
import { BufferMemory } from '../../../src/producer/batching/buffer-memory.ts'
import { BufferPool } from '../../../src/producer/batching/buffer-pool.ts'
import { FlushTracker } from '../../../src/producer/batching/flush-tracker.ts'
import { mulberry32 } from '../model.ts'

describe('Fifo', () => {
  test('gives what was put in, in order, through many turnarounds', () => {
    const fifo = new Queue<number>()
    const plain: number[] = []
    const random = mulberry32(1)
    for (let i = 0; i < 20_000; i++) {
      const kind = random()
      if (kind < 0.55) {
        fifo.push(i)
        plain.push(i)
      } else if (kind < 0.95) {
        expect(fifo.peek()).toBe(plain[0])
        expect(fifo.shift()).toBe(plain.shift())
      } else {
        fifo.unshift(-i)
        plain.unshift(-i)
      }
      expect(fifo.length).toBe(plain.length)
    }
    expect(fifo.drain()).toEqual(plain)
    expect(fifo.length).toBe(0)
    expect(fifo.shift()).toBeUndefined()
  })
})

describe('removeFrom', () => {
  test('takes out the one item, wherever it is, and keeps the order of the others', () => {
    for (const item of [1, 2, 3, 4]) {
      const list = [1, 2, 3]
      removeItem(list, item)
      expect(list).toEqual([1, 2, 3].filter((other) => other !== item))
    }
    const alone = ['a']
    removeItem(alone, 'a')
    removeItem(alone, 'a')
    expect(alone).toEqual([])
  })
})

describe('BufferPool', () => {
  test('gives a buffer that came back to the next who needs as much', () => {
    const pool = new BufferPool(100_000)
    const buffer = pool.take(16_384)
    expect(buffer.length).toBe(16_384)
    pool.giveBack(buffer)
    expect(pool.take(4000).length).toBe(4000)
    expect(pool.take(16_385).length).toBe(32_768)
    expect(pool.take(8193)).toBe(buffer)
    expect(pool.take(8193)).not.toBe(buffer)
  })

  test('keeps no more than its limit, and of that what came back last', () => {
    const pool = new BufferPool(40_000)
    const old = [1, 2].map(() => pool.take(16_384))
    const recent = [1, 2, 3].map(() => pool.take(8192))
    for (const buffer of [...old, ...recent]) pool.giveBack(buffer)
    const again = [1, 2, 3, 4].map(() => pool.take(8192))
    expect(again.filter((buffer) => recent.includes(buffer)).length).toBe(3)
    expect(old.includes(pool.take(16_384))).toBe(false)
  })

  test.each([4097, 6680, 8191, 12_000, 16_383])(
    'keeps no buffer of %i bytes, which is shorter than others of its power of two',
    (length) => {
      const pool = new BufferPool(1 << 20)
      pool.giveBack(Buffer.allocUnsafeSlow(length))
      for (const wanted of [length - 1, length, length + 1, 2 * length]) {
        expect(pool.take(wanted).length).toBeGreaterThanOrEqual(wanted)
      }
    },
  )

  test('keeps no view of a larger buffer: its other bytes are not the pool’s', () => {
    const pool = new BufferPool(1 << 20)
    const view = Buffer.alloc(100_000).subarray(0, 8192)
    pool.giveBack(view)
    expect(pool.take(8192)).not.toBe(view)
  })

  test('loses nothing that is in use to more of the same size than it keeps', () => {
    const pool = new BufferPool(40_000)
    const flood = Array.from({ length: 9 }, () => pool.take(8192))
    for (const buffer of flood) pool.giveBack(buffer)
    const again = flood.map(() => pool.take(8192))
    expect(again.filter((buffer) => flood.includes(buffer)).length).toBe(4)
  })
})

describe('TimedHeap', () => {
  test('gives items by time, none before its time', () => {
    const heap = new DeadlineHeap<number>()
    const random = mulberry32(2)
    const times = Array.from({ length: 500 }, () => Math.floor(random() * 100))
    for (const time of times) heap.push(time, time)
    expect(heap.popDue(-1)).toBeUndefined()
    const popped: number[] = []
    for (let now = 0; now <= 100; now++) {
      for (let item = heap.popDue(now); item !== undefined; item = heap.popDue(now)) {
        expect(item).toBe(now)
        popped.push(item)
      }
    }
    expect(popped).toEqual(times.toSorted((a, b) => a - b))
    expect(heap.nextTime).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('FlushLedger', () => {
  async function isDone(promise: Promise<void>): Promise<boolean> {
    const soon = new Promise<boolean>((resolve) => setImmediate(resolve, false))
    return Promise.race([promise.then(() => true), soon])
  }

  test('with nothing alive is done at once', async () => {
    expect(await isDone(new FlushTracker().flush())).toBe(true)
  })

  test('waits for what was alive at the call, and for nothing later', async () => {
    const ledger = new FlushTracker()
    const before = ledger.enter()
    const flushed = ledger.flush()
    const after = ledger.enter()
    expect(after).toBe(ledger.current)
    expect(before).toBeLessThan(ledger.current)
    expect(await isDone(flushed)).toBe(false)
    ledger.leave(before)
    expect(await isDone(flushed)).toBe(true)
    expect(ledger.isEmpty).toBe(false)
    ledger.leave(after)
    expect(ledger.isEmpty).toBe(true)
  })

  test('a later flush waits for the earlier generations too', async () => {
    const ledger = new FlushTracker()
    const first = ledger.enter()
    const one = ledger.flush()
    const second = ledger.enter()
    const two = ledger.flush()
    const three = ledger.flush()
    ledger.leave(second)
    expect(await isDone(two)).toBe(false)
    ledger.leave(first)
    expect(await Promise.all([one, two, three].map(isDone))).toEqual([true, true, true])
  })

  test('waits for the children of what was split', async () => {
    const ledger = new FlushTracker()
    const generation = ledger.enter()
    const flushed = ledger.flush()
    ledger.enterAt(generation, 2)
    ledger.leave(generation)
    ledger.leave(generation)
    expect(await isDone(flushed)).toBe(false)
    ledger.leave(generation)
    expect(await isDone(flushed)).toBe(true)
  })

  test('waits for the batch that a held record went into', async () => {
    const ledger = new FlushTracker()
    const held = ledger.enter()
    const flushed = ledger.flush()
    const batch = { generation: ledger.enter() }
    ledger.transfer(held, batch)
    expect(await isDone(flushed)).toBe(false)
    ledger.leave(batch.generation)
    expect(await isDone(flushed)).toBe(true)
    expect(ledger.isEmpty).toBe(true)
  })

  test('a record held later does not move a batch that a flush waits for', async () => {
    const ledger = new FlushTracker()
    const batch = { generation: ledger.enter() }
    const flushed = ledger.flush()
    ledger.transfer(ledger.enter(), batch)
    expect(await isDone(flushed)).toBe(false)
    ledger.leave(batch.generation)
    expect(await isDone(flushed)).toBe(true)
  })
})

describe('BufferMemory', () => {
  function waiter(bytes: number, memory: BufferMemory, order: number[], name: number) {
    return {
      bytes,
      isCancelled: false,
      grant(): void {
        memory.charge(bytes, 1)
        order.push(name)
      },
    }
  }

  test('freed bytes go to the head waiter first, so a large one cannot starve', () => {
    const memory = new BufferMemory({ limit: 100, recordLimit: 1000 })
    const order: number[] = []
    memory.charge(100, 4)
    memory.wait(waiter(60, memory, order, 1))
    memory.wait(waiter(10, memory, order, 2))
    memory.release(50, 2)
    expect(order).toEqual([])
    expect(memory.hasRoomFor(1)).toBe(false)
    memory.release(10, 1)
    expect(order).toEqual([1])
    memory.release(30, 1)
    expect(order).toEqual([1, 2])
    expect(memory.hasRoomFor(20)).toBe(true)
    expect(memory.hasRoomFor(21)).toBe(false)
  })

  test('wakes as many as the freed bytes are enough for', () => {
    const memory = new BufferMemory({ limit: 100, recordLimit: 1000 })
    const order: number[] = []
    memory.charge(100, 1)
    for (const name of [1, 2, 3, 4]) memory.wait(waiter(30, memory, order, name))
    memory.release(100, 1)
    expect(order).toEqual([1, 2, 3])
    expect(memory.used).toBe(90)
  })

  test('one who waits no longer holds up nobody', () => {
    const memory = new BufferMemory({ limit: 100, recordLimit: 1000 })
    const order: number[] = []
    memory.charge(90, 1)
    const first = waiter(100, memory, order, 1)
    memory.wait(first)
    memory.wait(waiter(10, memory, order, 2))
    first.isCancelled = true
    memory.grantWaiters()
    expect(order).toEqual([2])
    expect(memory.hasWaiters).toBe(false)
  })

  test('counts records too', () => {
    const memory = new BufferMemory({ limit: 1000, recordLimit: 8 })
    memory.charge(8, 8)
    expect(memory.isSpent).toBe(true)
    expect(memory.isOverdrawn).toBe(false)
    expect(memory.hasRoomFor(1)).toBe(false)
    memory.charge(2, 2)
    expect(memory.isOverdrawn).toBe(true)
  })
})

describe('TickClock', () => {
  let time = 1000

  beforeEach(() => {
    time = 1000
    onTestFinished(replaceClock({ monotonicMs: () => time }))
  })

  test('in a long loop it is read again every few records', () => {
    const clock = new TickClock()
    expect(clock.now()).toBe(1000)
    time = 2000
    expect(clock.now()).toBe(1000)
    let calls = 0
    while (clock.now() !== 2000) calls++
    expect(calls).toBeLessThan(100)
  })

  test('a reading does not outlive the tick', async () => {
    const clock = new TickClock()
    clock.now()
    time = 2000
    await null
    expect(clock.now()).toBe(2000)
    time = 3000
    await null
    expect(clock.now()).toBe(3000)
  })
})
