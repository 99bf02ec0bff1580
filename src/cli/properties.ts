// Java's .properties format, which `--command-config` files and profiles are written in.

import { UsageError } from './failures.ts'

/**
 * The properties of a text; a later one wins. Lines that begin with `#` or `!` are comments, a backslash
 * at the end joins lines, and `=`, `:` or white space parts key and value.
 * @param source names the text in errors
 */
export function parseProperties(text: string, source: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const { line, number } of logicalLines(text)) {
    const { key, value } = splitLine(line, `${source}, line ${number}`)
    if (key === '') {
      throw new UsageError(`${source}, line ${number} has no key. Write it as key=value.`)
    }
    properties.set(key, value)
  }
  return properties
}

/** Adds `key=value` texts, as `--command-property` gives them. */
export function addProperties(
  properties: Map<string, string>,
  texts: readonly string[],
  flag: string,
): void {
  for (const text of texts) {
    const at = text.indexOf('=')
    if (at < 1) throw new UsageError(`${flag} ${text}: expected key=value, such as acks=all.`)
    properties.set(text.slice(0, at).trim(), text.slice(at + 1))
  }
}

function* logicalLines(text: string): Iterable<{ line: string; number: number }> {
  let open: string | null = null
  let number = 0
  let startedAt = 0
  for (const raw of text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/)) {
    number++
    const line = raw.replace(/^[ \t\f]+/, '')
    if (open === null) {
      if (line === '' || line.startsWith('#') || line.startsWith('!')) continue
      startedAt = number
    }
    const whole: string = (open ?? '') + line
    if (/(^|[^\\])(\\\\)*\\$/.test(whole)) {
      open = whole.slice(0, -1)
    } else {
      open = null
      yield { line: whole, number: startedAt }
    }
  }
  if (open !== null && open !== '') yield { line: open, number: startedAt }
}

function splitLine(line: string, place: string): { key: string; value: string } {
  let end = 0
  while (end < line.length && !'=: \t\f'.includes(line[end])) end += line[end] === '\\' ? 2 : 1
  const rest = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
  return { key: unescaped(line.slice(0, end), place), value: unescaped(rest, place) }
}

const escapes: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, place: string): string {
  return text.replaceAll(/\\(u[0-9a-fA-F]{4}|.)/gs, (_, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (code === 'u') {
      throw new UsageError(`${place}: \\u must be followed by four hexadecimal digits.`)
    }
    return escapes[code] ?? code
  })
}
