// The words that we do not use: they make a reader decode a sentence. Whole files are
// read, so names in code count as well.

import { describe, expect, test } from 'vitest'
import { withoutFileList } from './file-list.ts'
import { documents, read, sources } from './files.ts'

/** Each with what to write instead. */
const banned: readonly (readonly [RegExp, string])[] = [
  [/\bwhom\b/i, 'name the actor'],
  [/\bwhoever\b/i, 'name the actor'],
  [/\b(no|some)body\b/i, 'name the actor: broker, coordinator, producer, consumer, caller'],
  [/\bshall\b/i, 'must, or the present tense'],
  [/\banew\b/i, 'again'],
  [/\bin vain\b/i, 'without success'],
  [/\bunder way\b/i, 'in flight, in progress'],
  [/\bhanded (over|out)\b/i, 'delivered, passed'],
  [/\b(given|gives|give|gave) up\b/i, 'fails, times out, stops'],
  [/\b(goes|go|went|going) on\b/i, 'continues'],
  [/\ball that\b/i, 'everything, all'],
  [/\bgone wild\b/i, 'corrupt, faulty'],
  [/\bof its own\b/i, 'a separate, its'],
  [/\bthe former\b/i, 'repeat the noun'],
  [/\btold of\b/i, 'is called with'],
  [/\bso (long|many)\b/i, 'for up to N ms, at most N'],
  [/\bhis\b/i, 'its, their'],
  [/(?<!\b(there|with) )\b(is|are) no (?!longer\b|more\b|other\b)/i, 'is not a'],
  [/\banswer(s|ed|ing)?\b/i, 'response, respond'],
]

/** A published name stays, whatever it says: users import it. */
const published: readonly string[] = ['type InterceptorResult as Answer,']

function faults(file: string): string[] {
  const lines = withoutFileList(read(file)).split('\n')
  return lines.flatMap((line, index) =>
    banned.flatMap(([word, instead]) => {
      if (published.includes(line.trim())) return []
      const match = word.exec(line)
      if (match === null) return []
      return [`${file}:${index + 1}: "${match[0].trim()}" (write: ${instead}): ${line.trim()}`]
    }),
  )
}

test('the check finds what it is for', () => {
  const sentences = ['Nobody answers.', 'X is no topic', 'It goes on anew', 'told of by whom']
  for (const sentence of sentences) {
    expect(
      banned.some(([word]) => word.test(sentence)),
      sentence,
    ).toBe(true)
  }
  const good = 'There is no topic. It is no longer there. The broker responds as long as it runs.'
  expect(banned.filter(([word]) => word.test(good))).toEqual([])
})

// Laboratory records stay as they were written. Pages of docs/reference/ are as good as their sources.
const pages = documents.filter((file) => !/^(docs\/(results|reference)|test|bench)\//.test(file))

describe('documents', () => {
  test.each(pages)('%s', (file) => {
    expect(faults(file)).toEqual([])
  })
})

describe('sources', () => {
  test.each(sources)('%s', (file) => {
    expect(faults(file)).toEqual([])
  })
})
