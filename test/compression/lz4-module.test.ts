// The generated module is what its source compiles to.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

test('src/compression/lz4-module.ts is built from scripts/wasm/lz4-block.ts', async () => {
  const script = path('../../scripts/wasm/build.mjs')
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--print'])
  expect(stdout).toBe(readFileSync(path('../../src/compression/lz4-module.ts'), 'utf8'))
}, 120_000)
