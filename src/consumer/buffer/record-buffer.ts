// What of one partition is fetched and not delivered yet: the slice that loops take records from, and the
// fetches behind it. Owns their memory: fetches are released here and nowhere else. No I/O.

import type { CompletedFetch } from './completed-fetch.ts'
import type { FetchedMemory } from './fetched-memory.ts'
import type { RecordSlice } from './record-slice.ts'

/** At most this many fetches are kept: one to read from, one ahead of it. */
const MAX_FETCHES = 2

/** What has to happen between the fetch of records and their delivery. */
export interface Opening {
  readonly what: 'decompression' | 'deserializers' | 'dead letters'
  /** When it began (monotonic ms). */
  readonly since: number
}

export class RecordBuffer<K, V> {
  /** What the next records wait for after they were fetched; null: nothing. */
  private opening: Opening | null = null
  private fetches: CompletedFetch<K, V>[] = []
  /** Read to their ends, while their records are in the slice. */
  private spent: CompletedFetch<K, V>[] = []
  private current: RecordSlice<K, V> | null = null

  /** The slice that is being delivered, or was when its loop stopped. */
  get slice(): RecordSlice<K, V> | null {
    return this.current
  }

  /** The fetch that is read from next. */
  get first(): CompletedFetch<K, V> | undefined {
    return this.fetches[0]
  }

  /** Whether the next records are being decompressed or deserialized, or wait for dead letters before them. */
  get isOpening(): boolean {
    return this.opening !== null
  }

  /** What they wait for, and since when. */
  get wait(): Opening | null {
    return this.opening
  }

  /** Nothing more is taken until `endOpening`. */
  beginOpening(what: Opening['what'], since: number): void {
    this.opening = { what, since }
  }

  endOpening(): void {
    this.opening = null
  }

  get hasFetches(): boolean {
    return this.fetches.length > 0
  }

  get isFull(): boolean {
    return this.fetches.length >= MAX_FETCHES
  }

  get isEmpty(): boolean {
    return this.current === null && this.fetches.length === 0
  }

  addFetch(fetch: CompletedFetch<K, V>): void {
    this.fetches.push(fetch)
  }

  /** Puts a slice in the place of the present one. True: memory was released with that. */
  put(slice: RecordSlice<K, V> | null): boolean {
    this.current = slice
    if (slice !== null) return false
    const hasRoom = this.first?.delivered() ?? false
    if (this.spent.length === 0) return hasRoom
    for (const fetch of this.spent) fetch.release()
    this.spent = []
    return true
  }

  /** Adds to what waits to be delivered. */
  append(slice: RecordSlice<K, V>): void {
    this.current = this.current === null ? slice : this.current.joined(slice)
  }

  /** The fetch was read to its end. */
  retire(fetch: CompletedFetch<K, V>): void {
    if (this.fetches[0] !== fetch) return
    this.fetches.shift()
    if (this.current === null) fetch.release()
    else this.spent.push(fetch)
  }

  /** Drops everything; with `isKeepingDelivered`, keeps what was delivered of the slice. */
  clear(isKeepingDelivered: boolean): void {
    this.opening = null
    for (const fetch of this.fetches) fetch.release()
    if (this.fetches.length > 0) this.fetches = []
    if (isKeepingDelivered && this.current !== null) this.current.cutAt(this.current.taken)
    else this.put(null)
  }

  /** Says of which memory how much is still to be delivered. */
  countLive(add: (memory: FetchedMemory, bytes: number) => void): void {
    for (const fetch of this.fetches) add(fetch.memory, fetch.liveBytes)
    for (const fetch of this.spent) add(fetch.memory, fetch.liveBytes)
    const below = this.spent.at(-1) ?? this.fetches[0]
    if (this.current !== null && below !== undefined) add(below.memory, this.current.batchBytes)
  }

  /** Copies what is left of what lies on `memory`, so that it can be freed. */
  moveOut(isMoving: (memory: FetchedMemory) => boolean): void {
    const moved = [...this.spent, ...this.fetches].filter((fetch) => isMoving(fetch.memory))
    if (moved.length === 0) return
    for (const fetch of moved) fetch.moveOut()
    this.current?.moveOut()
  }
}
