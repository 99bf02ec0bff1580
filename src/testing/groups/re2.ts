// Regular expressions of subscriptions, in the syntax of RE2/J that brokers use, as JavaScript's. What
// RE2/J refuses is refused with its reason.

/** @throws {Re2SyntaxError} when RE2/J refuses the pattern. */
export function compileRe2(pattern: string): RegExp {
  const translator = new Translator(pattern)
  const source = translator.translate()
  try {
    return new RegExp(`^(?:${source})$`, translator.flags)
  } catch {
    throw new Re2SyntaxError(reasonFor(pattern))
  }
}

export class Re2SyntaxError extends Error {}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}
const MAX_REPEAT = 1000

class Translator {
  flags = 'u'
  private readonly pattern: string
  private at = 0
  private open = 0

  constructor(pattern: string) {
    this.pattern = pattern
  }

  translate(): string {
    let source = ''
    while (this.at < this.pattern.length) source += this.next()
    if (this.open > 0) throw new Re2SyntaxError('missing closing )')
    return source
  }

  private next(): string {
    const rest = this.pattern.slice(this.at)
    const char = rest[0]
    if (char === '\\') return this.escape(rest, false)
    if (char === '[') return this.characterClass()
    if (char === '(') return this.group(rest)
    if (char === ')' && --this.open < 0) throw new Re2SyntaxError('regexp/syntax: unexpected )')
    if (char === '{') return this.repeat(rest)
    this.at++
    if (char === '}' || char === ']' || char === '/') return `\\${char}`
    return char
  }

  private group(rest: string): string {
    const head =
      /^\(\?P?<([A-Za-z_]\w*)>/.exec(rest) ?? /^\(\?([imsU]*)(?:-([imsU]+))?(:|\))/.exec(rest)
    if (!rest.startsWith('(?')) {
      this.at++
      this.open++
      return '('
    }
    if (head === null) throw new Re2SyntaxError('invalid or unsupported Perl syntax')
    this.at += head[0].length
    if (head[0].endsWith('>')) {
      this.open++
      return `(?<${head[1]}>`
    }
    for (const flag of head[1]) {
      if (flag !== 'U' && !this.flags.includes(flag)) this.flags += flag
    }
    if (head[3] === ')') return ''
    this.open++
    return '(?:'
  }

  /** `{` is a repetition where it has the form of one, else a character. */
  private repeat(rest: string): string {
    const match = /^\{(\d+)(?:,(\d*))?\}/.exec(rest)
    if (match === null) {
      this.at++
      return '\\{'
    }
    const least = Number(match[1])
    const most = match[2] === undefined || match[2] === '' ? least : Number(match[2])
    if (least > MAX_REPEAT || most > MAX_REPEAT || most < least) {
      throw new Re2SyntaxError('invalid repetition size')
    }
    this.at += match[0].length
    return match[0]
  }

  private escape(rest: string, isInClass: boolean): string {
    const next = rest[1]
    if (next === undefined) throw new Re2SyntaxError('trailing \\ at end of expression')
    if (next === 'Q' && !isInClass) {
      const end = rest.indexOf('\\E', 2)
      const literal = rest.slice(2, end < 0 ? undefined : end)
      this.at += 2 + literal.length + (end < 0 ? 0 : 2)
      return literal.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    }
    const property = /^\\([pP])(?:\{\^?(\w+)\}|(\w))/.exec(rest)
    if (property !== null) {
      this.at += property[0].length
      const name = property[2] ?? property[3]
      return `\\${property[1]}{${/^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`}}`
    }
    this.at += 2
    if (next === 'A' && !isInClass) return '^'
    if (next === 'z' && !isInClass) return '$'
    if (next === 'a') return '\\x07'
    if (/[dDwWsS]/.test(next) || /[tnrfv]/.test(next)) return `\\${next}`
    if (/[bB]/.test(next) && !isInClass) return `\\${next}`
    if (next === 'x') return this.hex()
    if (/[A-Za-z0-9]/.test(next)) throw new Re2SyntaxError('invalid escape sequence')
    return /[\^$\\.*+?()[\]{}|/-]/.test(next)
      ? `\\${next}`.replace(/^\\-$/, isInClass ? '\\-' : '-')
      : next
  }

  private hex(): string {
    const match = /^(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))/.exec(this.pattern.slice(this.at))
    if (match === null) throw new Re2SyntaxError('invalid escape sequence')
    this.at += match[0].length
    return `\\u{${match[1] ?? match[2]}}`
  }

  private characterClass(): string {
    let source = '['
    this.at++
    if (this.pattern[this.at] === '^') {
      source += '^'
      this.at++
    }
    for (let isFirst = true; ; isFirst = false) {
      const rest = this.pattern.slice(this.at)
      if (rest === '') throw new Re2SyntaxError('missing closing ]')
      const posix = /^\[:(\^?)(\w+):\]/.exec(rest)
      if (rest[0] === ']' && !isFirst) break
      if (posix !== null) {
        const range = POSIX[posix[2]]
        if (range === undefined || posix[1] !== '') {
          throw new Re2SyntaxError('invalid character class range')
        }
        source += range
        this.at += posix[0].length
      } else if (rest[0] === '\\') source += this.escape(rest, true)
      else {
        source += /[[\]{}()|/&~]/.test(rest[0]) ? `\\${rest[0]}` : rest[0]
        this.at++
      }
    }
    this.at++
    return `${source}]`
  }
}

/** JavaScript refuses the same kinds of faults, but words them in its own way. */
function reasonFor(pattern: string): string {
  if (/^[*+?]|\|[*+?]|\([*+?]/.test(pattern)) return 'missing argument to repetition operator'
  if (/[*+?}][*+]/.test(pattern)) return 'invalid nested repetition operator'
  return 'invalid character class range'
}
