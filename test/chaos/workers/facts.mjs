// The ledger of a load process: what it asked for and what it was told, as it happened. Facts of 24
// bytes, buffered, so that writing them costs the client under test next to nothing.

import { closeSync, openSync, writeSync } from 'node:fs'

export const factSize = 24

export const sent = 1
export const acked = 2
/** Failed, and the client says that the record is not in the log. */
export const failedNo = 3
/** Failed, and the record may be in the log. */
export const failedMaybe = 4

// Of a consumer.

/** Handed over: the sequence in the record, and its offset. */
export const delivered = 16
/** Worked on: all of this assignment up to this offset. */
export const done = 17
/** This partition is the consumer's from here on. */
export const assigned = 18
/** It was given up. */
export const revoked = 19
/** It was gone already. */
export const lost = 20

/** The consumer went to this offset: it comes next. */
export const sought = 21

/** Stands for the sequence of a record whose bytes are not as they were made. */
export const notIntact = 0xffffffff

/** Byte 0 kind, 1 partition, 4-7 sequence, 8-15 offset (-1: not told), 16-23 time in ms since 1970. */
export function encodeFact(to, at, kind, partition, sequence, offset, time) {
  to[at] = kind
  to[at + 1] = partition
  to.writeUInt16BE(0, at + 2)
  to.writeUInt32BE(sequence, at + 4)
  to.writeDoubleBE(offset, at + 8)
  to.writeDoubleBE(time, at + 16)
}

export class Facts {
  #file
  #buffer = Buffer.alloc(factSize * 4096)
  #at = 0

  constructor(file) {
    this.#file = openSync(file, 'w')
  }

  add(kind, partition, sequence, offset = -1) {
    encodeFact(this.#buffer, this.#at, kind, partition, sequence, offset, Date.now())
    this.#at += factSize
    if (this.#at === this.#buffer.length) this.flush()
  }

  flush() {
    if (this.#at > 0) writeSync(this.#file, this.#buffer, 0, this.#at)
    this.#at = 0
  }

  close() {
    this.flush()
    closeSync(this.#file)
  }
}
