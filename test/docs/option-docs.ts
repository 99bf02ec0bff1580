// Reads the documentation of options from the interfaces that declare them, and their defaults from the
// option tables, and makes the pages of docs/reference/ of both.

import { read } from './files.ts'

export interface OptionDoc {
  readonly name: string
  readonly type: string
  readonly description: string
  /** The default as the documentation gives it; null where it gives none. */
  readonly documented: string | null
}

/** The members of `interface name` in a source file, with their documentation. */
export function optionDocs(file: string, name: string): OptionDoc[] {
  const text = read(file)
  const start = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n`, 'm').exec(text)
  if (start === null) throw new Error(`${file} has no interface ${name}`)
  const from = start.index + start[0].length
  const body = text.slice(from, text.indexOf('\n}', from))
  const docs: OptionDoc[] = []
  for (const match of body.matchAll(/( {2}\/\*\*[\s\S]*?\*\/\n)? {2}(\w+)\??: ([^\n]+)/g)) {
    const comment = (match[1] ?? '')
      .replace(/^\s*\/\*\*/, '')
      .replace(/\*\/\s*$/, '')
      .replaceAll(/^\s*\* ?/gm, '')
      .trim()
    const { description, documented } = splitDefault(comment)
    docs.push({ name: match[2], type: match[3].trim(), description, documented })
  }
  if (docs.length === 0) throw new Error(`${file}: ${name} has no members`)
  return docs
}

/** Splits `@defaultValue x`, or a sentence `Default: x.`, from the rest. */
function splitDefault(comment: string): { description: string; documented: string | null } {
  const tag = /@defaultValue\s+([^\n@]+)/.exec(comment)
  const sentence = /\bDefault: ([^\n]*?)\.?$/m.exec(comment)
  const documented = tag?.[1] ?? sentence?.[1] ?? null
  const description = comment
    .replace(/@defaultValue[^\n@]*/, '')
    .replace(/\bDefault: [^\n]*$/m, '')
    .replace(/@(see|throws|example)[\s\S]*$/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return { description, documented: documented?.trim() ?? null }
}

/** The unit that an option's name states. */
function unit(name: string): string {
  if (/Ms$/.test(name)) return 'ms'
  if (/(Bytes|Size|Memory)$/.test(name)) return 'bytes'
  return ''
}

/** Names of Java's configuration that are not ours with dots, and those that have none in Java. */
const javaNames: Readonly<Record<string, string | null>> = {
  lookup: null,
  mapAddress: null,
  connect: null,
  logger: null,
  ssl: '`ssl.*`, `security.protocol`',
  sasl: '`sasl.*`, `security.protocol`',
  topics: null,
  interceptors: '`interceptor.classes`',
  partitioner: '`partitioner.class`',
  partitionAssignors: '`partition.assignment.strategy`',
  maxResponseSize: null,
  maxBufferedBytes: null,
  maxDecompressedBytes: null,
  gapless: null,
  flush: null,
  maxBufferedRecords: null,
  compressionLevel: '`compression.<codec>.level`',
  retries: '`retries`',
}

function javaName(name: string): string {
  const special = javaNames[name]
  if (special !== undefined) return special ?? ''
  // Callbacks, and what this client alone has.
  if (/^on[A-Z]/.test(name) || /^(poison|flush|queue)/.test(name)) return ''
  return `\`${name.replaceAll(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)}\``
}

/** `|` and line ends would end a cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** A number as a reader takes it in: 33554432 (32 MiB). */
function shownNumber(value: number, inUnit: string): string {
  if (inUnit === 'bytes' && value >= 1024 && value % 1024 === 0) {
    return value % 1048576 === 0
      ? `${value} (${value / 1048576} MiB)`
      : `${value} (${value / 1024} KiB)`
  }
  if (inUnit === 'ms' && value >= 60_000 && value % 60_000 === 0) {
    return `${value} (${value / 60_000} min)`
  }
  return String(value)
}

function shownDefault(doc: OptionDoc, value: unknown): string {
  if (typeof value === 'number' && doc.name !== 'acks') return shownNumber(value, unit(doc.name))
  if (typeof value === 'boolean') return `\`${value}\``
  if (typeof value === 'string' && value !== '') return `\`'${value}'\``
  return doc.documented ?? ''
}

/** Whether the documentation gives the default that the table has. */
export function defaultAgrees(doc: OptionDoc, value: unknown): boolean {
  if (doc.documented === null) return typeof value !== 'number' && typeof value !== 'boolean'
  const bare = doc.documented.replaceAll(/[`']/g, '')
  if (doc.name === 'acks') return bare === 'all' && value === -1
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') {
    return bare.startsWith(String(value)) || /^(as|that of) /.test(bare)
  }
  return true
}

/** Makes one page of a table of options. */
export function optionPage(
  title: string,
  intro: string,
  docs: readonly OptionDoc[],
  table: Readonly<Record<string, { readonly default: unknown }>>,
): string {
  const rows = docs.map((doc) => {
    const value = table[doc.name]?.default
    const columns = [
      `\`${doc.name}\``,
      `\`${cell(doc.type)}\``,
      cell(shownDefault(doc, value)),
      unit(doc.name),
      cell(doc.description),
      javaName(doc.name),
    ]
    return `| ${columns.join(' | ')} |`
  })
  return `${[
    `# ${title}`,
    '',
    '<!-- Written by `npm run docs` from the sources. Do not edit. -->',
    '',
    intro,
    '',
    '| option | type | default | unit | what it does | Java |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')}\n`
}
