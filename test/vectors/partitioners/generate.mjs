// node test/vectors/partitioners/generate.mjs: makes ../partitioners.jsonl.gz anew, by asking librdkafka and
// sarama themselves. Needs gcc, librdkafka's headers (Debian: librdkafka-dev) and Go. Nothing of it is random
// between runs: the same clients give the same file.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const here = import.meta.dirname
const counts = [1, 2, 3, 5, 6, 7, 12, 50, 64, 100, 997, 65536, 2147483647]

/** xorshift32: bytes that look random and are always the same. */
let state = 2463534242
function randomByte() {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return state & 0xff
}

const texts = [
  ...Array.from({ length: 120 }, (_, i) => `key-${i}`),
  ...Array.from({ length: 60 }, (_, i) => String(i * 7919)),
  ...[
    'ü',
    'schlüssel',
    'ключ',
    '鍵',
    '🔑',
    '🔑'.repeat(40),
    'a\u0000b',
    ' ',
    '123456789',
    'foobar',
  ],
  ...[127, 128, 129, 341, 342, 1024, 5000, 70_000].map((length) =>
    'abcdefg'.repeat(length / 7 + 1),
  ),
  // Its FNV-1a is the one number whose sign cannot be taken off, 0x80000000.
  '2231b98',
]
const keys = [
  null,
  Buffer.alloc(0),
  ...texts.map((text) => Buffer.from(text)),
  ...Array.from({ length: 256 }, (_, byte) => Buffer.of(byte)),
  ...Array.from({ length: 150 }, (_, i) => Buffer.from(Array.from({ length: i }, randomByte))),
]

const folder = mkdtempSync(join(tmpdir(), 'partitioners-'))
const programs = [join(folder, 'librdkafka'), join(folder, 'sarama')]
run('gcc', ['-O1', '-Wall', '-o', programs[0], join(here, 'librdkafka.c'), '-lrdkafka'])
run('go', ['build', '-o', programs[1], '.'], { cwd: join(here, 'sarama') })
const input = keys.map((key) => `${key === null ? '-' : key.toString('hex')}\n`).join('')
const answers = programs.map((program) => {
  const output = run(program, counts.map(String), { input, maxBuffer: 2 ** 26 }).toString()
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
})
const lines = keys.map((key, i) =>
  JSON.stringify({
    key: key?.toString('base64') ?? null,
    counts,
    partitions: { ...answers[0][i], ...answers[1][i] },
  }),
)
const text = `${lines.join('\n')}\n`
writeFileSync(join(here, '../partitioners.jsonl.gz'), gzipSync(text, { level: 9 }))
rmSync(folder, { recursive: true })
console.log(`${lines.length} keys`)

function run(command, args, settings = {}) {
  return execFileSync(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...settings })
}
