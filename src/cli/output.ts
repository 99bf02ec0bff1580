// What the command line prints: aligned tables for people, one JSON object a line for programs. Colour
// only on a terminal. A reader that goes away, as `head` does, ends the command quietly.

import type { Writable } from 'node:stream'
import { greatest } from '../collections/long-lists.ts'

/** A column of a table. */
export interface Column<Row> {
  title: string
  /** The cell; null is shown as `-`. */
  of: (row: Row) => string | number | bigint | boolean | null
}

export class Output {
  readonly json: boolean
  private readonly stdout: Writable & { isTTY?: boolean; columns?: number }
  private isFirst = true

  constructor(json: boolean, stdout: Writable & { isTTY?: boolean } = process.stdout) {
    this.json = json
    this.stdout = stdout
  }

  /** Whether a person reads along. */
  get isTerminal(): boolean {
    return this.stdout.isTTY === true
  }

  private get hasColour(): boolean {
    return this.isTerminal && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  }

  /** A line for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) this.write(`${text}\n`)
    this.isFirst = false
  }

  /** An object for programs; nothing without `--json`. */
  object(value: object): void {
    if (this.json) this.write(`${toJson(value)}\n`)
  }

  /**
   * Rows as a table, or as an object each.
   * @param toObject what `--json` prints of a row
   */
  rows<Row>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    toObject: (row: Row) => object = (row) => row as object,
  ): void {
    if (this.json) {
      for (const row of rows) this.object(toObject(row))
      return
    }
    this.line(this.table(rows, columns))
  }

  /** A heading above a table; an empty line parts it from what was printed before. */
  heading(text: string): void {
    if (!this.isFirst) this.line()
    this.line(this.bold(text))
  }

  bold(text: string): string {
    return this.hasColour ? `\x1b[1m${text}\x1b[22m` : text
  }

  red(text: string): string {
    return this.hasColour ? `\x1b[31m${text}\x1b[39m` : text
  }

  green(text: string): string {
    return this.hasColour ? `\x1b[32m${text}\x1b[39m` : text
  }

  /**
   * Bytes as they are. Resolves when they are written.
   * @throws the stream's error when they are not: the session hears of it first, and ends the command
   */
  async bytes(chunk: Buffer | string): Promise<void> {
    if (this.stdout.errored !== null) throw this.stdout.errored
    const error = await new Promise<Error | null | undefined>((written) => {
      this.stdout.write(chunk, written)
    })
    if (error === null || error === undefined) return
    // The stream's own event comes behind this.
    await new Promise((resolve) => setImmediate(resolve))
    throw error
  }

  private table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
    const cells = rows.map((row) => columns.map(({ of }) => cellOf(of(row))))
    const isNumeric = columns.map((_, i) =>
      cells.every((row) => /^(-|-?\d[\d,]*(\.\d+)?( ?[a-zA-Z%/]{1,5})?)$/.test(row[i])),
    )
    const widths = columns.map(({ title }, i) =>
      Math.max(title.length, greatest(cells.map((row) => row[i].length))),
    )
    const line = (row: readonly string[]): string =>
      row
        .map((cell, i) =>
          isNumeric[i] && rows.length > 0 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
        )
        .join('  ')
        .trimEnd()
    return [this.bold(line(columns.map(({ title }) => title))), ...cells.map(line)].join('\n')
  }

  private write(text: string): void {
    this.stdout.write(text)
  }
}

function cellOf(value: string | number | bigint | boolean | null): string {
  if (value === null || value === '') return '-'
  return typeof value === 'string' ? printable(value) : String(value)
}

/** Text of others, such as a client id, without control characters: it must not drive the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
}

/** JSON in one line. A bigint is a number where a double can hold it, else a string; a buffer base64. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') {
      return item >= Number.MIN_SAFE_INTEGER && item <= Number.MAX_SAFE_INTEGER
        ? Number(item)
        : String(item)
    }
    const isBuffer = typeof item === 'object' && item !== null && 'data' in item && 'type' in item
    if (isBuffer && item.type === 'Buffer' && Array.isArray(item.data)) {
      return Buffer.from(item.data).toString('base64')
    }
    return item
  })
}
