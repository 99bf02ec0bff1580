// A table of a guide that a test writes: `vitest -u` after a change.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { root } from '../docs/files.ts'

/** Compares what stands between the comments `begin` and `end` of a guide with the rows of a table. */
export async function expectGuideTable(
  guide: string,
  begin: string,
  end: string,
  rows: readonly string[],
): Promise<void> {
  const path = join(root, guide)
  const text = await readFile(path, 'utf8')
  const before = text.slice(0, text.indexOf(begin) + begin.length)
  const after = text.slice(text.indexOf(end))
  await expect(`${before}\n${rows.join('\n')}\n${after}`).toMatchFileSnapshot(path)
}
