#!/usr/bin/env node
// The command line: arguments in, exit code out. Node keeps the compiled code between runs where it can,
// so the rest is loaded after that is switched on.

import module from 'node:module'

// Node 22.8 and later.
const enableCompileCache: unknown = Reflect.get(module, 'enableCompileCache')
if (typeof enableCompileCache === 'function') enableCompileCache.call(module)

async function main(): Promise<void> {
  const { runProgram, watchOutput } = await import('./program.ts')
  watchOutput()
  process.exitCode = await runProgram(process.argv.slice(2))
}

void main()
