// The built package, for tests of what is run as a program of its own. Built anew only when src/ is newer.

import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const root: string = fileURLToPath(new URL('../../', import.meta.url))
export const commandLine: string = join(root, 'dist/cli/main.js')

let built: Promise<void> | undefined

/** Makes sure that `dist` is what `src` says; looks once for a test file. */
export function ensureBuilt(): Promise<void> {
  built ??= build()
  return built
}

async function build(): Promise<void> {
  const [dist, src] = await Promise.all([newest('dist'), newest('src')])
  if (dist > src) return
  await promisify(execFile)('npm', ['run', 'build'], { cwd: root }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`npm run build failed:\n${error.stdout}${error.stderr}`)
    },
  )
}

/** When the newest file of a folder was written; 0 if there is none. */
async function newest(folder: string): Promise<number> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  const files = entries.filter((entry) => entry.isFile())
  const times = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).mtimeMs),
  )
  return Math.max(0, ...times)
}
