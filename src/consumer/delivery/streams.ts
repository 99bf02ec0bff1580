// Loops as Node's and the web's streams. Neither reads ahead: the loop is asked when a reader asks,
// as asking for the next record says that the previous one is done.

import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { causeText } from '../../errors.ts'
import { lazyNode } from '../../lazy-node.ts'
import type { ConsumerLoop } from './iterators.ts'

/** Destroying it ends the loop; what ends the loop with an error destroys it. */
export function readableOf<T>(loop: ConsumerLoop<T>): Readable {
  const stream: Readable = new lazyNode.stream.Readable({
    objectMode: true,
    // 0: an item is asked for only when there is none and the stream is read.
    highWaterMark: 0,
    read: () => {
      loop.next().then(
        ({ done, value }) => {
          if (!stream.destroyed) stream.push(done === true ? null : value)
        },
        (error: unknown) => stream.destroy(asError(error)),
      )
    },
    destroy: (error, settle) => {
      loop.return().then(() => settle(error), settle)
    },
  })
  return stream
}

/** Cancelling it ends the loop; what ends the loop with an error is its error. */
export function readableStreamOf<T>(loop: ConsumerLoop<T>): ReadableStream<T> {
  return new lazyNode.streamWeb.ReadableStream<T>(
    {
      pull: async (controller) => {
        const { done, value } = await loop.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => {
        await loop.return()
      },
    },
    { highWaterMark: 0 },
  )
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(causeText(error), { cause: error })
}
