// A terminal by tmux: keys go in, the screen is read as text and as a picture.

import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import xterm from '@xterm/headless'

const columns = 110
const rows = 26
const colours = [
  '#3b4252',
  '#bf616a',
  '#a3be8c',
  '#ebcb8b',
  '#81a1c1',
  '#b48ead',
  '#88c0d0',
  '#e5e9f0',
]

export class Screen {
  #socket

  /** @param environment of the shell in it, whose prompt is `$ ` */
  constructor(environment) {
    this.#socket = `kafkawire-${process.pid}`
    const settings = Object.entries(environment).flatMap(([name, value]) => [
      '-e',
      `${name}=${value}`,
    ])
    const size = ['-x', String(columns), '-y', String(rows)]
    this.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      ...size,
      ...settings,
      'bash --norc --noprofile',
    )
    this.#tmux('set-option', '-g', 'status', 'off')
    this.type("PS1='$ '")
  }

  #tmux(...args) {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8' })
  }

  /** Types a line and Enter. */
  type(line) {
    this.#tmux('send-keys', '-l', line)
    this.key('Enter')
  }

  /** Presses a key by tmux's name, such as `C-c`. */
  key(name) {
    this.#tmux('send-keys', name)
  }

  clear() {
    this.type('clear')
  }

  get text() {
    return this.#tmux('capture-pane', '-p').trimEnd()
  }

  /** Waits until the screen shows this. */
  async shows(pattern, timeoutMs = 120_000) {
    const until = performance.now() + timeoutMs
    while (!pattern.test(this.text)) {
      if (performance.now() > until) throw new Error(`no ${pattern} on the screen:\n${this.text}`)
      await sleep(50)
    }
  }

  /** The screen as an SVG picture. */
  async picture(title) {
    const ansi = this.#tmux('capture-pane', '-p', '-e').trimEnd()
    const lines = ansi.split('\n')
    const terminal = new xterm.Terminal({
      cols: columns,
      rows: lines.length,
      allowProposedApi: true,
    })
    await new Promise((written) => terminal.write(lines.join('\r\n'), written))
    return svgOf(terminal.buffer.active, lines.length, title)
  }

  close() {
    this.#tmux('kill-server')
  }
}

const cell = { width: 8.4, height: 18 }

function svgOf(buffer, lineCount, title) {
  const size = { width: Math.ceil(columns * cell.width + 24), height: lineCount * cell.height + 24 }
  const spans = []
  for (let row = 0; row < lineCount; row++) {
    for (const { column, text, style } of runsOf(buffer.getLine(row))) {
      const at = `x="${(12 + column * cell.width).toFixed(1)}" y="${26 + row * cell.height}"`
      const width = `textLength="${(text.length * cell.width).toFixed(1)}"`
      spans.push(`<text ${at} ${width}${style}>${escaped(text)}</text>`)
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="6" fill="#2e3440"/>
<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#d8dee9" xml:space="preserve">
${spans.join('\n')}
</g>
</svg>
`
}

/** Runs of cells that look alike; spaces between words end one. */
function runsOf(line) {
  const runs = []
  let open = null
  for (let column = 0; column < columns; column++) {
    const found = line.getCell(column)
    const text = found.getChars() || ' '
    const style = styleOf(found)
    if (text === ' ') open = null
    else if (open?.style === style) open.text += text
    else {
      open = { column, text, style }
      runs.push(open)
    }
  }
  return runs
}

function styleOf(found) {
  const bold = found.isBold() ? ' font-weight="bold"' : ''
  const faint = found.isDim() ? ' opacity="0.6"' : ''
  const colour = found.isFgPalette() ? ` fill="${colours[found.getFgColor() % 8]}"` : ''
  return `${bold}${faint}${colour}`
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
