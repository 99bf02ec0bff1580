// Finds the snippets of a page. Each block of JavaScript, TypeScript or shell stands behind a mark:
//
//   <!-- snippet: name.mjs -->      a program
//   <!-- not run: reason -->        cannot run here
//
// with a line in front of a snippet's mark where more is to be said:
//
//   <!-- run: in consumer -->       a part of a program, which preludes.ts completes
//   <!-- run: until /text/ -->      gets SIGINT once it prints this
//   <!-- run: prints /text/ -->     must print this

import { documents, read } from './files.ts'

export interface Snippet {
  readonly page: string
  readonly name: string
  readonly text: string
  readonly prelude: string | null
  readonly until: RegExp | null
  readonly prints: RegExp | null
}

/** The pages whose snippets are run. */
export const pages: readonly string[] = documents.filter(
  (file) => file === 'README.md' || file.startsWith('docs/guide/'),
)

/** The snippets of a page in order. Throws for a block without a mark. */
export function snippetsOf(page: string): Snippet[] {
  const snippets: Snippet[] = []
  const block = /^(?:<!-- run: (.*?) -->\n)?(?:<!-- (.*?) -->\n)?```([^\n]+)\n([\s\S]*?)\n```$/gm
  for (const [, run = '', mark, language, text] of read(page).matchAll(block)) {
    if (!['js', 'mjs', 'ts', 'sh'].includes(language)) continue
    if (mark?.startsWith('not run: ')) continue
    const name = /^snippet: ([\w.-]+)$/.exec(mark ?? '')?.[1]
    if (name === undefined) {
      // Installing is what the reader has done by then.
      if (language === 'sh' && /^(npm|npx) /.test(text)) continue
      // cli.test.ts checks the commands of this page.
      if (language === 'sh' && page === 'docs/guide/cli.md') continue
      throw new Error(`${page}: no mark in front of the block that begins: ${text.slice(0, 80)}`)
    }
    const parts = /^(?:in ([\w-]+) ?)?(?:until \/(.*?)\/ ?)?(?:prints \/(.*?)\/)?$/.exec(run)
    if (parts === null) throw new Error(`${page}: the line "run: ${run}" is not understood`)
    snippets.push({
      page,
      name,
      text,
      prelude: parts[1] ?? null,
      until: parts[2] === undefined ? null : new RegExp(parts[2], 'm'),
      prints: parts[3] === undefined ? null : new RegExp(parts[3], 'm'),
    })
  }
  return snippets
}
