// lz4 frames that state a larger maximum block size than their blocks have: what Go's clients write.

import { describe, expect, test } from 'vitest'
import { lz4 } from '../../src/compression/lz4.ts'
import { xxh32 } from '../../src/compression/xxh32.ts'
import { DecodeError } from '../../src/errors.ts'

const limit = 2 ** 26

/** The frame, stating blocks of up to 4 MiB. */
function with4MiB(frame: Buffer): Buffer {
  const changed = Buffer.from(frame)
  changed[5] = (7 << 4) | (frame[5] & 0x8f)
  changed[6] = (xxh32(changed.subarray(4, 6)) >>> 8) & 0xff
  return changed
}

async function packed(data: Buffer): Promise<Buffer> {
  return with4MiB(await lz4.compress(data))
}

describe('an lz4 frame of stated 4 MiB blocks', () => {
  test.each([
    ['little text', Buffer.from('{"id":17,"name":"somebody"}'.repeat(600))],
    [
      'little that does not compress',
      Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * i * 31) & 255)),
    ],
    // Far beyond the usual ratio: the first attempt fails and the frame as it came serves.
    ['a megabyte of zeros', Buffer.alloc(2 ** 20)],
    ['nothing', Buffer.alloc(0)],
  ])('%s', async (_, data) => {
    const frame = await packed(data)
    const before = Buffer.from(frame)
    expect((await lz4.decompress(frame, limit)).equals(data)).toBe(true)
    expect(frame.equals(before)).toBe(true)
  })

  test('is refused when it is corrupt', async () => {
    const frame = await packed(Buffer.from('abcdefghij'.repeat(2000)))
    frame.fill(0xff, 11, 40)
    expect(() => lz4.decompress(frame, limit)).toThrow(DecodeError)
  })
})
