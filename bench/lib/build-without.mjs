// Two builds of the library as it lies here: whole, and with changes of text that cut something out of it.

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { lab } from './target.mjs'

const project = fileURLToPath(new URL('../../', import.meta.url))

/**
 * @param cuts `{ file, from, to }`, each `from` exactly once in its file below src/
 * @param parts the text of a file that exports what is measured by itself
 * @returns the files to import
 */
export async function buildWithout(name, cuts, parts) {
  const folder = join(lab, name)
  rmSync(folder, { recursive: true, force: true })
  cpSync(join(project, 'src'), join(folder, 'whole/src'), { recursive: true })
  cpSync(join(project, 'src'), join(folder, 'cut/src'), { recursive: true })
  for (const { file, from, to } of cuts) {
    const path = join(folder, 'cut/src', file)
    const text = readFileSync(path, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`)
    writeFileSync(
      path,
      text.replace(from, () => to),
    )
  }
  writeFileSync(join(folder, 'whole/parts.ts'), parts)
  return {
    whole: await bundle(join(folder, 'whole'), 'src/index.ts'),
    cut: await bundle(join(folder, 'cut'), 'src/index.ts'),
    parts: await bundle(join(folder, 'whole'), 'parts.ts'),
  }
}

/** As scripts/build.mjs does it. */
async function bundle(folder, input) {
  const name = input === 'parts.ts' ? 'parts' : 'index'
  const build = await rolldown({
    input: { [name]: input },
    cwd: folder,
    platform: 'node',
    external: [/^node:/],
    // What is behind a cut is never reached: that is meant.
    logLevel: 'silent',
  })
  const dir = join(folder, `dist-${name}`)
  await build.write({ dir, format: 'cjs', entryFileNames: '[name].cjs' })
  await build.close()
  return join(dir, `${name}.cjs`)
}
