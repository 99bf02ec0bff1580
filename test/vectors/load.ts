// Golden vectors made by Apache Kafka's own classes, one JSON object a line, gzipped beside this file.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** All lines of `<name>.jsonl.gz`. */
export function loadVectors<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(new URL(`./${name}.jsonl.gz`, import.meta.url))).toString()
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T)
}

/** A vector file that is one JSON document, such as `apis` or `errors`. */
export function loadTable<T>(name: string): T[] {
  return JSON.parse(
    gunzipSync(readFileSync(new URL(`./${name}.json.gz`, import.meta.url))).toString(),
  ) as T[]
}
