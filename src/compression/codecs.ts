// Every codec, by attribute id and by name.

import { ConfigError, DecodeError } from '../errors.ts'
import { type Codec, type CompressionType, checkOutputSize, compressionTypes } from './codec.ts'
import { gzip } from './gzip.ts'
import { lz4 } from './lz4.ts'
import { snappy } from './snappy.ts'
import { zstd } from './zstd.ts'

const none: Codec = {
  name: 'none',
  id: 0,
  compress: (data) => data,
  decompress(data, maxOutput) {
    checkOutputSize('none', data.length, maxOutput)
    return data
  },
  checkLevel(level) {
    throw new ConfigError(`a compression level (${level}) needs a compressionType beside 'none'`)
  },
  load() {},
}

const codecs: readonly Codec[] = [none, gzip, snappy, lz4, zstd]

/** The codec of an id in a batch's attributes. Throws DecodeError for an id that Kafka has not given out. */
export function codecById(id: number): Codec {
  const codec = codecs[id]
  if (codec === undefined) {
    throw new DecodeError(`unknown compression id ${id}: a newer Kafka's, or corrupt data`, {
      api: 'RecordBatch',
      field: 'attributes',
    })
  }
  return codec
}

/** The codec of a name. Throws ConfigError for another one. */
export function codecByName(name: CompressionType): Codec {
  const codec = codecs.find((each) => each.name === name)
  if (codec === undefined) {
    throw new ConfigError(
      `unknown compressionType ${JSON.stringify(name)}: must be one of ${compressionTypes.join(', ')}`,
    )
  }
  return codec
}

/**
 * Throws ConfigError unless this compression can be written here: the name is known, the level
 * (KIP-390) is one the codec honours, and its package is installed.
 */
export function checkCompression(type: CompressionType, level: number | undefined): void {
  const codec = codecByName(type)
  if (level !== undefined) codec.checkLevel(level)
  codec.load()
}
