// A plugin of vitest: with RANDOM_MUTANT=<name of a mutant> the sources are loaded with its rule taken out.

import { fileURLToPath } from 'node:url'
import type { Plugin } from 'vite'
import { randomMutants } from './mutants.ts'

const src = fileURLToPath(new URL('../../src/', import.meta.url))

export function mutate(name: string | undefined): Plugin[] {
  if (name === undefined) return []
  const mutant = randomMutants.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`there is no mutant '${name}'`)
  return [
    {
      name: 'mutate',
      enforce: 'pre',
      transform(code, id) {
        let changed = code
        for (const { file, from, to } of mutant.edits) {
          if (id !== src + file) continue
          if (code.split(from).length !== 2) throw new Error(`'${from}' is not once in ${file}`)
          changed = changed.replace(from, () => to)
        }
        return changed === code ? undefined : changed
      },
    },
  ]
}
