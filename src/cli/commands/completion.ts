// `kafkawire completion bash|zsh|fish`: a script that completes commands and flags, made of the commands.

import { Argument, type Command } from 'commander'
import { newCommand } from '../command.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/** @param loadAll gives the program with all its commands */
export function addCompletion(program: Command, loadAll: () => Promise<Command>): void {
  newCommand(program, 'completion', {
    summary: 'Print a script that completes commands and flags in a shell',
    examples: [
      { text: 'bash, now', command: 'source <(kafkawire completion bash)' },
      {
        text: 'zsh, in ~/.zshrc after compinit',
        command: 'source <(kafkawire completion zsh)',
      },
      {
        text: 'fish',
        command: 'kafkawire completion fish > ~/.config/fish/completions/kafkawire.fish',
      },
    ],
  })
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(scripts[shell](entriesOf(await loadAll())))
    })
}

interface Entry {
  /** The words before a flag: `topics`, or `perf produce`. */
  path: string
  summary: string
  words: { word: string; description: string }[]
}

/** The program, its commands, and theirs. */
function entriesOf(program: Command): Entry[] {
  const entries: Entry[] = []
  const visit = (command: Command, path: string): void => {
    const children = command.commands.map((child) => ({
      word: child.name(),
      description: child.summary() || child.description(),
    }))
    const flags = command.options
      .filter(({ hidden }) => !hidden)
      .map(({ long, description }) => ({ word: long ?? '', description }))
    const summary = command.summary() || command.description()
    const help = { word: '--help', description: 'show help' }
    entries.push({ path, summary, words: [...children, ...flags, help] })
    for (const child of command.commands) visit(child, `${path} ${child.name()}`.trim())
  }
  visit(program, '')
  return entries
}

const scripts: Record<Shell, (entries: readonly Entry[]) => string> = {
  bash: (entries) => `# bash completion of kafkawire
_kafkawire() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  local words=""
  case "$path" in
${entries.map(({ path, words }) => `    '${path}') words='${words.map(({ word }) => word).join(' ')}' ;;`).join('\n')}
  esac
  if [[ -z "$words" || ( "$current" != -* && "$path" != "" && "$words" == --* ) ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -F _kafkawire kafkawire
`,
  zsh: (entries) => `#compdef kafkawire
_kafkawire() {
  local path="" word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in -*) break ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${entries
  .map(({ path, words }) => {
    const items = words.map(({ word, description }) =>
      quoted(`${word.replaceAll(':', '\\:')}:${description}`),
    )
    return `    '${path}') items=(${items.join(' ')}) ;;`
  })
  .join('\n')}
  esac
  if (( \${#items} )) && [[ "$path" == "" || "\${words[CURRENT]}" == -* || "\${items[1]}" != --* ]]; then
    _describe kafkawire items
  else
    _files
  fi
}
compdef _kafkawire kafkawire
`,
  fish: (entries) => {
    const lines = ['# fish completion of kafkawire', 'complete -c kafkawire -f']
    for (const { path, words } of entries) {
      const names = path.split(' ').filter((name) => name !== '')
      const condition =
        names.length === 0
          ? '__fish_use_subcommand'
          : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ')
      for (const { word, description } of words) {
        const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`
        if (names.length === 0 && word.startsWith('--')) {
          lines.push(`complete -c kafkawire ${what} -d ${quoted(description)}`)
        } else {
          lines.push(`complete -c kafkawire -n '${condition}' ${what} -d ${quoted(description)}`)
        }
      }
    }
    return `${lines.join('\n')}\n`
  },
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
