// Runs the command line within the test's process, and gives what it printed and its exit code.

import { runProgram } from '../../src/cli/program.ts'

export interface Ran {
  stdout: string
  stderr: string
  code: number
  /** The objects of `--json`. */
  objects: () => Record<string, unknown>[]
}

/** @param words the command with its flags */
export async function kafkawire(...words: string[]): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name]
    const write = stream.write
    stream.write = ((chunk: string | Uint8Array, done?: () => void) => {
      written[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      if (typeof done === 'function') setImmediate(done)
      return true
    }) as typeof write
    return () => {
      stream.write = write
    }
  })
  try {
    const code = await runProgram(words)
    const objects = (): Record<string, unknown>[] =>
      written.stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    return { ...written, code, objects }
  } finally {
    for (const end of restore) end()
  }
}
