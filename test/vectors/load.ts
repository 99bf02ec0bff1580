// Reads the golden vectors: bytes that Apache Kafka's own classes made (README.md beside them), one JSON
// object a line. KAFKAWIRE_VECTORS names another folder of them, as `npm run vectors` makes (gzipped or not).

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'

const folder = resolve(process.env.KAFKAWIRE_VECTORS ?? import.meta.dirname)

/** The lines of `<name>.jsonl.gz`; with `messages` those of the APIs that only controllers serve. */
export function loadVectors<T = unknown>(name: string): T[] {
  const lines = parse<T>(read(`${name}.jsonl`))
  return name === 'messages' ? [...lines, ...parse<T>(read('messages-internal.jsonl'))] : lines
}

function parse<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** A vector file that is one JSON document, such as `apis` or `errors`. */
export function loadTable<T>(name: string): T[] {
  return JSON.parse(read(`${name}.json`))
}

function read(name: string): string {
  const file = join(folder, name)
  return existsSync(file)
    ? readFileSync(file, 'utf8')
    : gunzipSync(readFileSync(`${file}.gz`)).toString()
}
