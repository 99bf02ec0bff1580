// A queue whose both ends are cheap however long it is: Array.shift moves every item that is left.

const COMPACT_AT = 1024

export class Queue<T> implements Iterable<T> {
  /** From `head` on. What is before it is undefined: what has left is not kept alive. */
  private items: (T | undefined)[] = []
  private head = 0

  get length(): number {
    return this.items.length - this.head
  }

  /** The one that has waited longest. */
  peek(): T | undefined {
    return this.items[this.head]
  }

  push(item: T): void {
    this.items.push(item)
  }

  /** Puts one back in front. */
  unshift(item: T): void {
    if (this.head > 0) this.items[--this.head] = item
    else this.items.unshift(item)
  }

  shift(): T | undefined {
    // The last one leaves the array its memory, which the next one needs.
    if (this.head === 0 && this.items.length <= 1) return this.items.pop()
    const item = this.items[this.head]
    this.items[this.head++] = undefined
    if (this.head === this.items.length) {
      this.items = []
      this.head = 0
    } else if (this.head >= COMPACT_AT && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  /** Takes an item out, wherever it is. The first one is cheap. */
  remove(item: T): void {
    const at = this.items.indexOf(item, this.head)
    if (at === this.head) this.shift()
    else if (at > 0) this.replaceAt(at, [])
  }

  /** Puts others in the place of an item, if it is there. */
  replace(item: T, others: readonly T[]): void {
    const at = this.items.indexOf(item, this.head)
    if (at >= 0) this.replaceAt(at, others)
  }

  /** Puts an item before the first one that is to come behind it. The front is cheap. */
  insertBefore(item: T, isBehind: (other: T) => boolean): void {
    let at = this.head
    while (at < this.items.length && !isBehind(this.items[at] as T)) at++
    if (at === this.head) this.unshift(item)
    else this.items.splice(at, 0, item)
  }

  /** The items in order. Nothing may be added or taken meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.head; at < this.items.length; at++) yield this.items[at] as T
  }

  /** Takes every item that is in it now. */
  drain(): T[] {
    const all = this.head === 0 ? this.items : this.items.slice(this.head)
    this.items = []
    this.head = 0
    return all as T[]
  }

  private replaceAt(at: number, others: readonly T[]): void {
    const { items } = this
    this.items = items.slice(this.head, at).concat(others, items.slice(at + 1))
    this.head = 0
  }
}
