// A build of the client of its own for load processes, which are plain Node: dist/ may be of another day,
// or be made anew while a run goes on.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Mutant } from './mutants.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Build {
  /** The entry file. */
  entry: string
  remove(): Promise<void>
}

/** Builds src/; with a mutant, changed as it says. */
export async function buildClient(mutant?: Mutant): Promise<Build> {
  // Inside the project, so that it is an ES module and finds its packages.
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'chaos-build-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true })
  try {
    await run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', folder], { cwd: root })
    if (mutant !== undefined) await mutate(join(folder, mutant.file), mutant)
  } catch (error) {
    await remove()
    throw error
  }
  return { entry: join(folder, 'index.js'), remove }
}

async function mutate(file: string, { name, from, to }: Mutant): Promise<void> {
  const text = await readFile(file, 'utf8')
  const parts = text.split(from)
  if (parts.length !== 2) {
    throw new Error(`mutant '${name}': its place is ${parts.length - 1} times in ${file}`)
  }
  await writeFile(file, parts.join(to))
}
