// Counts the memory that fetched records hold. The records of a response are views on its one buffer, so
// the last small piece that is not delivered holds the whole response: what counts is the buffer, until
// its last user is gone.

/** The sum over everything that is held. */
export class HeldBytes {
  private count = 0

  get bytes(): number {
    return this.count
  }

  add(bytes: number): void {
    this.count += bytes
  }
}

/** The buffer of one response, or of what was copied out of one. */
export class FetchedMemory {
  readonly sizeInBytes: number
  private readonly held: HeldBytes
  private users = 0

  constructor(sizeInBytes: number, held: HeldBytes) {
    this.sizeInBytes = sizeInBytes
    this.held = held
  }

  /** Memory beside it that is needed as long: decompressed records. */
  grow(bytes: number): void {
    this.held.add(bytes)
  }

  /** Memory that a part of this one was copied to. */
  copied(sizeInBytes: number): FetchedMemory {
    return new FetchedMemory(sizeInBytes, this.held)
  }

  retain(): void {
    if (this.users++ === 0) this.held.add(this.sizeInBytes)
  }

  release(): void {
    if (--this.users === 0) this.held.add(-this.sizeInBytes)
  }
}
