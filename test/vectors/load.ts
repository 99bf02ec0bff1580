// Reads the golden vectors: bytes that Apache Kafka's own classes made (README.md beside them).

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** The lines of `test/vectors/<name>.jsonl.gz`. KAFKAWIRE_VECTORS names a folder of others, not compressed. */
export function loadVectors<T = unknown>(name: string): T[] {
  const folder = process.env.KAFKAWIRE_VECTORS
  const text =
    folder === undefined
      ? gunzipSync(readFileSync(new URL(`${name}.jsonl.gz`, import.meta.url))).toString()
      : readFileSync(`${folder}/${name}.jsonl`, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
