// What the doors export is the promise to users: a name that comes or goes is seen here first. The lists
// are in test/public-surface/; a change on purpose is written by `npx vitest run test/public-surface -u`.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const project = resolve(import.meta.dirname, '..')
const { exports } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
  exports: Record<string, string | { import: { default: string } }>
}
const doors = Object.values(exports)
  .map((entry) => (typeof entry === 'string' ? entry : entry.import.default))
  .map((file) => /^\.\/dist\/(.+)\.js$/.exec(file)?.[1])
  .filter((door) => door !== undefined)
  .map((door) => ({
    door,
    source: join(project, 'src', `${door}.ts`),
    list: join(import.meta.dirname, 'public-surface', `${door}.txt`),
  }))
  .filter(({ source, list }) => existsSync(source) || existsSync(list))

/**
 * The names in the `export { a, type B } from` lines of a door, and of the files that it exports whole;
 * it has no other code.
 */
function exportedNames(source: string): string[] {
  const names: string[] = []
  const text = readFileSync(source, 'utf8')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/export \* from '([^']+)'/g, (_, file: string) => {
      names.push(...exportedNames(resolve(dirname(source), file)))
      return ''
    })
  const rest = text.replaceAll(
    /export (type )?\{([^}]*)\} from '[^']+'/g,
    (_, allTypes: string | undefined, list: string) => {
      for (const entry of list.split(',').map((name) => name.trim())) {
        if (entry === '') continue
        const isType = allTypes !== undefined || entry.startsWith('type ')
        const name = entry.replace(/^type /, '').replace(/^.* as /, '')
        names.push(isType ? `type ${name}` : name)
      }
      return ''
    },
  )
  expect(rest.trim(), `${source} has nothing but export lines`).toBe('')
  return names.sort((a, b) => (a.replace('type ', '') < b.replace('type ', '') ? -1 : 1))
}

test('the package has doors', () => {
  expect(doors.map(({ door }) => door)).toContain('protocol')
})

describe.each(doors)('$door', ({ door, source, list }) => {
  test('exports what it promises', async () => {
    await expect(`${exportedNames(source).join('\n')}\n`).toMatchFileSnapshot(list)
  })

  test('exports at run time what its source says', async () => {
    const module = (await import(source)) as Record<string, unknown>
    const values = exportedNames(source).filter((name) => !name.startsWith('type '))
    expect(Object.keys(module).sort(), door).toEqual(values.sort())
    // It loads the whole library, on a machine that may be busy.
  }, 60_000)
})
