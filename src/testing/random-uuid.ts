// UUIDs as Kafka makes them.

import { randomBytes } from 'node:crypto'

/** An id of 22 characters of base64url; Kafka never makes one that starts with '-'. */
export function randomUuid(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}
