// docs/guide/cli.md says what the commands say. `npm run docs` writes it.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { infoOf } from '../../src/cli/command.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { cliPage } from './cli-docs.ts'
import { read, root } from './files.ts'

test('docs/guide/cli.md is what `npm run docs` writes', async () => {
  const page = cliPage(await buildProgram([]), read('test/docs/cli-head.md'))
  await expect(page).toMatchFileSnapshot(join(root, 'docs/guide/cli.md'))
}, 60_000)

test('the flags of every example exist', async () => {
  const program = await buildProgram([])
  for (const command of program.commands) {
    for (const { command: line } of infoOf(command)?.examples ?? []) {
      for (const part of line.split('|').map((text) => text.trim())) {
        const words = part.replace(/^.*?\bkafkawire /, '').split(' ')
        if (!part.includes('kafkawire ')) continue
        let at = program
        for (const word of words) at = at.commands.find((child) => child.name() === word) ?? at
        const known = at.options.flatMap(({ long, short }) => [long, short])
        for (const word of words.filter((text) => /^--[a-z]/.test(text))) {
          expect(known, `${line}: ${word}`).toContain(word)
        }
      }
    }
  }
})
