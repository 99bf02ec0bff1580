// What `kafkawire decode` is given: bytes as digits, as text in a file, as they are; what kind of file it
// is shows by its name or by how it begins.

import { readFile } from 'node:fs/promises'
import { isCapture } from './capture/pcap.ts'
import { UsageError } from './failures.ts'

/** What an input holds. */
export type InputFormat = 'frames' | 'pcap' | 'segment' | 'index' | 'timeindex' | 'txnindex'

/** How frames are written in a file. */
export type InputForm = InputFormat | 'auto' | 'hex' | 'base64'

export const inputForms: readonly InputForm[] = [
  'auto',
  'frames',
  'hex',
  'base64',
  'pcap',
  'segment',
  'index',
  'timeindex',
  'txnindex',
]

export interface DecodeInput {
  readonly format: InputFormat
  readonly content: Buffer
  /** Empty where there is none. */
  readonly path: string
}

/** Where the bytes come from: exactly one of these. */
export interface InputFlags {
  readonly hex?: string
  readonly base64?: string
  readonly file?: string
}

const suffixes: Record<string, InputFormat> = {
  '.log': 'segment',
  '.index': 'index',
  '.timeindex': 'timeindex',
  '.txnindex': 'txnindex',
  '.pcap': 'pcap',
  '.pcapng': 'pcap',
  '.cap': 'pcap',
}

/** The bytes that the flags name. A segment is not read here: its `content` is empty. */
export async function readInput(flags: InputFlags, form: InputForm): Promise<DecodeInput> {
  const given = [flags.hex, flags.base64, flags.file].filter((each) => each !== undefined)
  if (given.length !== 1) {
    throw new UsageError('decode: give one of --hex, --base64 and --file (a path, or - for stdin)')
  }
  if (flags.hex !== undefined) return frames(fromHex(flags.hex, '--hex'))
  if (flags.base64 !== undefined) return frames(fromBase64(flags.base64, '--base64'))
  const path = flags.file ?? ''
  const format = form === 'auto' ? formatOf(path) : form
  if (format === 'segment' && path !== '-') return { format, content: Buffer.alloc(0), path }
  const content = path === '-' ? await readAll() : await readFile(path)
  if (format === 'hex') return frames(fromHex(content.toString('latin1'), path))
  if (format === 'base64') return frames(fromBase64(content.toString('latin1'), path))
  if (format !== 'auto') return { format, content, path }
  if (isCapture(content)) return { format: 'pcap', content, path }
  return frames(fromText(content) ?? content)
}

function frames(content: Buffer): DecodeInput {
  return { format: 'frames', content, path: '' }
}

function formatOf(path: string): InputFormat | 'auto' {
  const suffix = /\.[a-z]+$/.exec(path)?.[0] ?? ''
  return suffixes[suffix] ?? 'auto'
}

/** Frames begin with their size, which no text is: a file of digits is one. */
function fromText(content: Buffer): Buffer | null {
  if (content.length === 0 || content.some((byte) => byte > 0x7e)) return null
  const text = content.toString('latin1')
  if (/^[\s:0-9a-f]+$/i.test(text)) return fromHex(text, 'the input')
  return /^[\s+/0-9a-z]+=*\s*$/i.test(text) ? fromBase64(text, 'the input') : null
}

function fromHex(text: string, name: string): Buffer {
  const digits = text.replaceAll(/[\s:]/g, '')
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new UsageError(`decode: ${name} must hold pairs of hexadecimal digits`)
  }
  return Buffer.from(digits, 'hex')
}

function fromBase64(text: string, name: string): Buffer {
  const compact = text.replaceAll(/\s/g, '')
  const bytes = Buffer.from(compact, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') === compact.replace(/=+$/, '')) return bytes
  throw new UsageError(`decode: ${name} must hold base64`)
}

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
