// Runs a program in a Node process of its own, until it ends by itself.

import { spawn } from 'node:child_process'

/** How a process ended, and what it wrote. */
export interface EndedProcess {
  code: number | null
  stdout: string
  stderr: string
  tookMs: number
  /** When each line of standard output came, by `performance.now()` of the test. */
  lines: { text: string; at: number }[]
  /** By `performance.now()` of the test. */
  endedAt: number
}

/** Node with `--trace-warnings`. Rejects when the process has not ended by itself within `timeoutMs`. */
export function runNode(
  args: string[],
  options: { input?: string | Uint8Array; cwd?: string; timeoutMs?: number } = {},
): Promise<EndedProcess> {
  const { input, cwd, timeoutMs = 60_000 } = options
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--trace-warnings', ...args], { cwd })
    let stdout = ''
    let stderr = ''
    const lines: EndedProcess['lines'] = []
    const limit = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${args[0]} did not end within ${timeoutMs} ms:\n${stdout}${stderr}`))
    }, timeoutMs)
    child.stdout.on('data', (piece) => {
      stdout += piece
      const at = performance.now()
      const whole = stdout.split('\n').slice(0, -1)
      for (const text of whole.slice(lines.length)) lines.push({ text, at })
    })
    child.stderr.on('data', (piece) => {
      stderr += piece
    })
    child.stdin.end(input ?? '')
    child.on('close', (code) => {
      clearTimeout(limit)
      const endedAt = performance.now()
      resolve({ code, stdout, stderr, lines, endedAt, tookMs: endedAt - startedAt })
    })
    child.on('error', reject)
  })
}
