// A build of the client of its own for load processes, which are plain Node: dist/ may be of another day,
// or be made anew while a run goes on.

import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Mutant } from './mutants.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Build {
  folder: string
  /** The entry file. */
  entry: string
  remove(): Promise<void>
}

/** Builds src/. */
export async function buildClient(): Promise<Build> {
  return fill(async (folder) => {
    await run('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', folder], { cwd: root })
  })
}

/** A copy of a build with one rule taken out. */
export async function buildMutant(
  build: Build,
  mutant: Pick<Mutant, 'file' | 'from' | 'to'>,
): Promise<Build> {
  return fill(async (folder) => {
    await cp(build.folder, folder, { recursive: true })
    const file = join(folder, mutant.file)
    const text = await readFile(file, 'utf8')
    const parts = text.split(mutant.from)
    if (parts.length !== 2) {
      throw new Error(`its place is ${parts.length - 1} times in ${mutant.file}`)
    }
    await writeFile(file, parts.join(mutant.to))
  })
}

async function fill(make: (folder: string) => Promise<void>): Promise<Build> {
  // Inside the project, so that it is an ES module and finds its packages.
  const cache = join(root, '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'chaos-build-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    await make(folder)
  } catch (error) {
    await remove()
    throw error
  }
  return { folder, entry: join(folder, 'index.js'), remove }
}
