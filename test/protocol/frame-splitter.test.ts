import { expect, test } from 'vitest'
import { DecodeError } from '../../src/errors.ts'
import { FrameSplitter } from '../../src/protocol/frame-splitter.ts'

const MIB = 1024 * 1024

function splitter(maxFrameBytes = 128 * MIB): { splitter: FrameSplitter; frames: Buffer[] } {
  const frames: Buffer[] = []
  return {
    splitter: new FrameSplitter({ maxFrameBytes, onFrame: (frame) => frames.push(frame) }),
    frames,
  }
}

/** Puts bytes in as a socket does: as many as the target takes, at most `most` at once. */
function receive(into: FrameSplitter, bytes: Buffer, most = Number.POSITIVE_INFINITY): void {
  for (let at = 0; at < bytes.length; ) {
    const target = into.target()
    const n = Math.min(target.length, bytes.length - at, most)
    bytes.copy(target, 0, at, at + n)
    into.received(n)
    at += n
  }
}

function framed(content: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(content.length)
  return Buffer.concat([size, content])
}

function content(bytes: number, seed: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => i * 7 + seed))
}

test.each([1, 2, 3, 5, 1000, 65536, Number.POSITIVE_INFINITY])(
  'frames come out whole, whatever the chunks (%d bytes)',
  (most) => {
    const { splitter: into, frames } = splitter()
    const sent = [content(4, 1), content(300, 2), content(70_000, 3), content(5, 4)]
    receive(into, Buffer.concat(sent.map(framed)), most)
    expect(frames.map((frame) => frame.equals(sent[frames.indexOf(frame)]))).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(into.isBetweenFrames).toBe(true)
  },
)

test('a frame is its own: what comes later does not change it', () => {
  const { splitter: into, frames } = splitter()
  receive(into, framed(content(100, 1)))
  receive(into, framed(content(100, 9)))
  expect(frames[0].equals(content(100, 1))).toBe(true)
})

test('the rest of a large frame is received where it will stay', () => {
  const { splitter: into, frames } = splitter()
  const whole = framed(content(MIB, 1))
  receive(into, whole.subarray(0, 1000))
  const target = into.target()
  expect(target.length).toBe(MIB - 996)
  whole.copy(target, 0, 1000)
  into.received(target.length)
  expect(frames[0].buffer).toBe(target.buffer)
  expect(frames[0].equals(content(MIB, 1))).toBe(true)
})

test('a cut is seen', () => {
  const { splitter: into } = splitter()
  receive(into, Buffer.from([0, 0]))
  expect(into.isBetweenFrames).toBe(false)
  receive(into, Buffer.from([0, 9, 1]))
  expect(into.isBetweenFrames).toBe(false)
})

const bad: [string, number[], RegExp][] = [
  ['TLS 1.2 alert', [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46], /speaks TLS.*plaintext.*TLS 1\.2/],
  ['TLS 1.0 alert', [0x15, 0x03, 0x01, 0x00], /speaks TLS.*TLS 1\.0/],
  ['HTTP', [...Buffer.from('HTTP/1.1 400 Bad Request')], /HTTP server.*check host and port/],
  ['negative', [0xff, 0xff, 0xff, 0xff], /-1.*134217728.*maxResponseSize/],
  ['2 GiB', [0x7f, 0xff, 0xff, 0xff], /2147483647.*134217728.*maxResponseSize/],
  ['one above the limit', [0x08, 0x00, 0x00, 0x01], /134217729.*maxResponseSize/],
  ['less than a correlation id', [0, 0, 0, 3], /malformed response/],
  ['nothing', [0, 0, 0, 0], /malformed response/],
]

test.each(bad)('%s as a size prefix is refused by name', (_, bytes, text) => {
  for (const most of [1, Number.POSITIVE_INFINITY]) {
    const { splitter: into, frames } = splitter()
    expect(() => receive(into, Buffer.from(bytes), most)).toThrow(DecodeError)
    expect(() => receive(splitter().splitter, Buffer.from(bytes), most)).toThrow(text)
    expect(frames).toEqual([])
  }
})

test('a frame at the limit is taken; the limit may rise later', () => {
  const { splitter: into, frames } = splitter(8)
  receive(into, framed(content(8, 1)))
  expect(() => receive(into, framed(content(9, 1)))).toThrow(/allowed are 4 to 8/)
  const second = splitter(8)
  second.splitter.maxFrameBytes = 9
  receive(second.splitter, framed(content(9, 1)))
  expect([frames.length, second.frames.length]).toEqual([1, 1])
})

test('a prefix that lies costs no memory', () => {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  const kept: FrameSplitter[] = []
  // 20 connections that announce 127 MiB each: 2.5 GiB that never come.
  for (let i = 0; i < 20; i++) {
    const { splitter: into } = splitter()
    receive(into, Buffer.from([0x07, 0xf0, 0x00, 0x00, 0, 0, 0, 1]))
    kept.push(into)
  }
  const grown = process.memoryUsage().rss - before
  expect(kept.length).toBe(20)
  expect(grown).toBeLessThan(10 * MIB)
})
