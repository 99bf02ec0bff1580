// Bytes beside the memory of a response that its records may still lie on: of decompressed and converted batches, and
// of copies that are kept for handlers that fail. Batches know it, and so records that a caller keeps: it knows none.

import type { CopyCounter } from '../../records/record-context.ts'
import type { FetchedMemory } from './fetched-memory.ts'

export class OwnMemory implements CopyCounter {
  private readonly memory: FetchedMemory
  private bytes = 0
  /** Of those, the bytes of batches of which all records were taken. */
  private takenBytes = 0
  private isReleased = false

  constructor(memory: FetchedMemory) {
    this.memory = memory
  }

  grow(bytes: number): void {
    if (this.isReleased) return
    this.bytes += bytes
    this.memory.grow(bytes)
  }

  /** All records of a batch were taken, whose bytes these are. */
  taken(bytes: number): void {
    this.takenBytes += bytes
  }

  copied(bytes: number, isTaken: boolean): void {
    this.grow(bytes)
    if (isTaken) this.taken(bytes)
  }

  /** Everything that was taken so far is done. @returns whether that makes room */
  delivered(): boolean {
    const { takenBytes } = this
    if (takenBytes === 0) return false
    this.memory.grow(-takenBytes)
    this.bytes -= takenBytes
    this.takenBytes = 0
    return true
  }

  /** Nothing lies on it any more. */
  release(): void {
    this.isReleased = true
    this.memory.grow(-this.bytes)
    this.bytes = 0
  }
}
