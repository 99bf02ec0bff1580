// Another commit of kafkawire as a client to compare with: `--compare COMMIT` builds it once, in the
// cache, and both run in turn in the same scenario.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../../', import.meta.url))
const git = (...args) => execFileSync('git', args, { cwd: project, encoding: 'utf8' }).trim()

/** Builds `revision` unless that was done before. Answers its short name and the file to import. */
export function buildCommit(revision) {
  const commit = git('rev-parse', '--short', `${revision}^{commit}`)
  const folder = join(project, '.cache/compare', commit)
  const finished = join(folder, 'dist/index.js')
  if (!existsSync(finished)) {
    console.error(`building kafkawire at ${commit}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const archive = execFileSync('git', ['archive', commit], {
      cwd: project,
      maxBuffer: 512 * 1024 * 1024,
    })
    execFileSync('tar', ['-x', '-C', folder], { input: archive })
    const lock = (root) => readFileSync(join(root, 'package-lock.json'), 'utf8')
    if (lock(folder) === lock(project)) {
      symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'), 'junction')
    } else {
      execFileSync('npm', ['ci'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
    }
    execFileSync('npm', ['run', '--silent', 'build'], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  }
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return { commit, entry: join(folder, entryOf(exports['.'])) }
}

/** The file that `import` loads: conditions may be nested. */
function entryOf(condition) {
  return typeof condition === 'string' ? condition : entryOf(condition.import ?? condition.default)
}
