// Plain CRC-32, the checksum of messages before magic 2. Legacy data is rare: own tables are enough.

import { type Crc, makeCrc } from './crc-tables.ts'

/** CRC-32 of `bytes[start..end)`, as an unsigned number. */
export const crc32: Crc = makeCrc(0xedb88320)
