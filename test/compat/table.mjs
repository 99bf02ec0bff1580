// Writes the matrix into docs/guide/compatibility.md, between two marks.

import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('../../docs/guide/compatibility.md', import.meta.url))
const from = '<!-- written by npm run compat -->'
const to = '<!-- end -->'

export async function writeTable(results) {
  const groups = Map.groupBy ? Map.groupBy(results, ({ group }) => group) : groupBy(results)
  let text = ''
  for (const [group, rows] of groups) {
    text += `\n| ${group} | tested | with |\n| --- | --- | --- |\n`
    for (const { name, version, how } of rows) text += `| ${name} | ${version} | ${how} |\n`
  }
  const before = await readFile(page, 'utf8')
  const [head, rest] = before.split(from)
  if (rest === undefined) throw new Error(`${page} has no line ${from}`)
  await writeFile(page, `${head}${from}\n${text}\n${to}${rest.split(to)[1]}`)
}

function groupBy(results) {
  const groups = new Map()
  for (const result of results) {
    groups.set(result.group, [...(groups.get(result.group) ?? []), result])
  }
  return groups
}
