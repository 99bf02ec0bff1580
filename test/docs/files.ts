// The files of the project that documents and comments are checked in and against.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../../', import.meta.url))

/** Folders that hold files of ours, without what is built, fetched or measured. */
const folders = ['src', 'test', 'bench', 'scripts', 'docs', 'examples']
const skipped = /(^|\/)(node_modules|lab|results|target)\//

/** Paths of our files, from the project's root. */
export const files: readonly string[] = [
  ...readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name),
  ...folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length)),
  ),
].filter((file) => file.startsWith('docs/') || !skipped.test(file))

/** The documents: Markdown, without reports of others that are kept as they came. */
export const documents: readonly string[] = files.filter((file) => file.endsWith('.md'))

export const sources: readonly string[] = files.filter(
  (file) => file.startsWith('src/') && file.endsWith('.ts'),
)

export function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}
