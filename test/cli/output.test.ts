import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { table } from '../../src/cli/format.ts'
import { Output } from '../../src/cli/output.ts'

test('a table has more rows than fit on the stack', () => {
  const stdout = new PassThrough()
  const rows = Array.from({ length: 200_000 }, (_, at) => ({ at }))
  new Output(false, stdout).rows(rows, [{ title: 'AT', of: ({ at }) => at }])
  const text = String(stdout.read())
  expect(text.split('\n')).toHaveLength(rows.length + 2)
  expect(text).toMatch(/^ {4}AT\n {5}0\n/)
  expect(text).toMatch(/\n199999\n$/)
  const cells = rows.map(({ at }) => [String(at)])
  expect(table(['at'], cells).split('\n')).toHaveLength(rows.length + 2)
})
