// Makes the list of files of docs/internals/architecture.md from the first sentence of each source file.

import { dirname } from 'node:path'
import { read, sources } from './files.ts'

const from = '<!-- files -->'
const to = '<!-- end of files -->'

/** The first sentence of the comment that a file opens with. */
export function firstSentence(text: string): string {
  const lines = text
    .replace(/^(#!.*|\/\/\/.*|\s*)\n/gm, (line) =>
      line.startsWith('//') && !line.startsWith('///') ? line : '',
    )
    .split('\n')
  const comment: string[] = []
  for (const line of lines) {
    if (!line.startsWith('//')) break
    comment.push(line.replace(/^\/\/ ?/, ''))
  }
  const whole = comment.join(' ').trim()
  return /^.*?[.?](?=\s|$)/.exec(whole.replaceAll('e.g. ', 'e.g.'))?.[0] ?? whole
}

/** A table for each folder; the messages of the protocol, one file per API, are one row. */
function list(): string {
  const folders = new Map<string, string[]>()
  for (const file of [...sources].sort()) {
    const folder = dirname(file)
    if (folder === 'src/protocol/messages') {
      folders.set(folder, [
        '| `*.ts` | One file per API of the protocol: its messages, and how they are read and written. |',
      ])
      continue
    }
    const name = file.slice(folder.length + 1)
    const row = `| \`${name}\` | ${firstSentence(read(file)).replaceAll('|', '\\|')} |`
    folders.set(folder, [...(folders.get(folder) ?? []), row])
  }
  return [...folders]
    .map(([folder, rows]) => `### ${folder}\n\n| file | |\n| --- | --- |\n${rows.join('\n')}\n`)
    .join('\n')
}

/** The page with the list as it should be. */
export function withFileList(page: string): string {
  const [head, rest] = page.split(from)
  const tail = rest?.split(to)[1]
  if (tail === undefined) throw new Error(`the page has no marks ${from} and ${to}`)
  return `${head}${from}\n\n${list()}\n${to}${tail}`
}

/** The page without the list, whose sentences belong to the sources. */
export function withoutFileList(page: string): string {
  return page.replace(/<!-- files -->[\s\S]*<!-- end of files -->/, '')
}
