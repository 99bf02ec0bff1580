// Regular expressions for the broker, which speaks RE2J and wants the whole name to match. A JavaScript
// RegExp is searched for in the name, and has constructs that RE2J lacks: those are refused by name.

import { InvalidArgumentError } from '../../errors.ts'

const refused: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/, 'lookahead and lookbehind'],
  [/\\[1-9]/, 'backreferences'],
  [/\\k</, 'named backreferences'],
  [/\[\^?\]/, 'empty character classes'],
  [/\\c[A-Za-z]/, 'control escapes'],
]

/**
 * The expression that matches a name if any of `patterns` is found in it.
 * @throws {InvalidArgumentError} naming the construct that RE2J lacks
 */
export function toRe2(patterns: readonly RegExp[]): string {
  return patterns.map((pattern) => `(?:${translate(pattern)})`).join('|')
}

function translate(pattern: RegExp): string {
  const { source, flags } = pattern
  // An escaped backslash is none that escapes.
  const bare = source.replaceAll('\\\\', '')
  for (const [construct, name] of refused) {
    if (construct.test(bare)) {
      throw new InvalidArgumentError(
        `${pattern} cannot be sent to the broker: RE2J has no ${name}. Use groupProtocol 'classic', which matches on the client`,
      )
    }
  }
  if (flags.includes('v')) {
    throw new InvalidArgumentError(
      `${pattern} cannot be sent to the broker: RE2J has no set notation (flag v). Use groupProtocol 'classic', which matches on the client`,
    )
  }
  const body = source
    .replaceAll(/\(\?<[^>=!]+>/g, '(')
    .replaceAll(/\\u\{([0-9a-fA-F]+)\}/g, '\\x{$1}')
    .replaceAll(/\\u([0-9a-fA-F]{4})/g, '\\x{$1}')
    .replaceAll('\\/', '/')
  const modes = ['i', 'm', 's'].filter((flag) => flags.includes(flag)).join('')
  return `.*${modes === '' ? '(?:' : `(?${modes}:`}${body}).*`
}
