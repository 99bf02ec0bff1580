// Completion scripts: the shells that are here take them, and complete commands and flags by them.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { kafkawire } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const file = join(tmpdir(), `kafkawire-completion-${process.pid}.bash`)

beforeAll(async () => {
  writeFileSync(file, (await kafkawire('completion', 'bash')).stdout)
})

function complete(...words: string[]): string[] {
  const script = `source ${file}; COMP_WORDS=(kafkawire "$@"); COMP_CWORD=$#; _kafkawire; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n')
}

test('bash completes commands, commands of commands, and flags', () => {
  expect(complete('top')).toEqual(['topics'])
  expect(complete('topics', '--under')).toEqual([
    '--under-replicated-partitions',
    '--under-min-isr-partitions',
  ])
  expect(complete('perf', 'l')).toEqual(['latency'])
  expect(complete('perf', 'latency', '--record')).toEqual(['--record-size'])
  expect(complete('topics', '--topic', 'orders', '--par')).toEqual(['--partitions'])
})

test('zsh and fish scripts name every command, with quotes that are closed', async () => {
  for (const shell of ['zsh', 'fish']) {
    const { stdout } = await kafkawire('completion', shell)
    for (const name of ['topics', 'consume', 'doctor', 'verifiable-consumer']) {
      expect(stdout).toContain(name)
    }
    for (const line of stdout.split('\n'))
      expect(line.replaceAll("\\'", '').split("'").length % 2, line).toBe(1)
  }
})

test('another shell is refused', async () => {
  expect((await kafkawire('completion', 'tcsh')).code).toBe(2)
})
