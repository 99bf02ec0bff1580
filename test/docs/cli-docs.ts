// docs/guide/cli.md, made of the definitions of the commands.

import type { Command, Option } from 'commander'
import { infoOf } from '../../src/cli/command.ts'

/** The whole page. `head` is what stands before the commands. */
export function cliPage(program: Command, head: string): string {
  const commands = program.commands.filter((command) => command.name() !== 'help')
  const list = commands.map((command) => {
    const script = infoOf(command)?.script
    return `| [\`${command.name()}\`](#kafkawire-${command.name()}) | ${sentence(command)} | ${script === undefined ? '' : `\`${script}\``} |`
  })
  const pages = commands.flatMap((command) => commandPages(command, 'kafkawire', 2))
  const table = ["| command | what it does | Kafka's script |", '| --- | --- | --- |', ...list]
  return `${head.trimEnd()}\n\n## Commands\n\n${table.join('\n')}\n\n${connectionSection(commands[0])}\n\n${pages.join('\n\n')}\n`
}

function commandPages(command: Command, parent: string, level: number): string[] {
  const name = `${parent} ${command.name()}`
  const info = infoOf(command)
  const parts = [`${'#'.repeat(level)} ${name}`, `${sentence(command)}.`]
  if (info?.description !== undefined) parts.push(info.description)
  if (info !== undefined && info.examples.length > 0) {
    const lines = info.examples.map(({ text, command }) => `# ${text}\n${command}`)
    parts.push(`\`\`\`sh\n${lines.join('\n')}\n\`\`\``)
  }
  const options = command.options.filter((option) => !option.hidden && !isShared(option))
  if (options.length > 0) {
    parts.push(['| flag | meaning |', '| --- | --- |', ...options.map(optionRow)].join('\n'))
  }
  const children = command.commands.filter((child) => child.name() !== 'help')
  return [parts.join('\n\n'), ...children.flatMap((child) => commandPages(child, name, level + 1))]
}

function connectionSection(command: Command): string {
  const rows = command.options.filter((option) => !option.hidden && isShared(option)).map(optionRow)
  return `### Flags of every command that talks to a cluster\n\n| flag | meaning |\n| --- | --- |\n${rows.join('\n')}`
}

const shared = [
  '--bootstrap-server',
  '--command-config',
  '--command-property',
  '--profile',
  '--json',
  '--debug',
  '--timeout',
]

function isShared({ long }: Option): boolean {
  return shared.includes(long ?? '')
}

function optionRow({ flags, description, defaultValue, negate }: Option): string {
  const isShown = defaultValue !== undefined && !negate
  const shown = JSON.stringify(String(defaultValue)).slice(1, -1)
  const text = `${description}${isShown ? ` (default: ${shown})` : ''}`
  return `| \`${flags}\` | ${text.replaceAll('|', '\\|').replaceAll('<', '&lt;')} |`
}

function sentence(command: Command): string {
  const text = command.summary() || command.description()
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, '')
}
