// Completion scripts: the shells that are here take them, and complete commands and flags by them.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kafkawire } from './run.ts'

const complete = async (...words: string[]): Promise<string[]> => {
  const { stdout } = await kafkawire('completion', 'bash')
  const file = join(tmpdir(), `kafkawire-completion-${process.pid}.bash`)
  writeFileSync(file, stdout)
  const script = `source ${file}; COMP_WORDS=(kafkawire "$@"); COMP_CWORD=$#; _kafkawire; printf '%s\\n' "\${COMPREPLY[@]}"`
  return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
    .trim()
    .split('\n')
}

test('bash completes commands, commands of commands, and flags', async () => {
  expect(await complete('top')).toEqual(['topics'])
  expect(await complete('topics', '--under')).toEqual([
    '--under-replicated-partitions',
    '--under-min-isr-partitions',
  ])
  expect(await complete('perf', 'l')).toEqual(['latency'])
  expect(await complete('perf', 'latency', '--record')).toEqual(['--record-size'])
  expect(await complete('topics', '--topic', 'orders', '--par')).toEqual(['--partitions'])
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
