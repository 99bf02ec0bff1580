// `kafkawire decode`: prints frames of the protocol as JSON, one object a frame.

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { ConfigError } from '../../errors.ts'
import { apiByName } from '../../protocol/apis.ts'
import { dissect, dissectBudget, type ResponseOf, splitFrames } from '../dissect.ts'

interface DecodeOptions {
  hex?: string
  file?: string
  api?: string
  version?: string
  response?: boolean
}

export function addDecode(program: Command): void {
  program
    .command('decode')
    .description('print frames of the Kafka protocol as JSON')
    .option('--hex <digits>', 'the bytes of one or more frames, size prefixes included')
    .option('--file <path>', 'a file that holds them')
    .option('--response', 'the frames are responses: --api and --version say of what')
    .option('--api <name>', 'such as Produce or Metadata')
    .option('--version <n>', 'the version of the API')
    .action(decode)
}

async function decode(options: DecodeOptions): Promise<void> {
  const response = answeredApi(options)
  const budget = dissectBudget()
  for (const frame of splitFrames(await capture(options))) {
    console.log(JSON.stringify(await dissect(frame, response, budget), null, 2))
  }
}

async function capture({ hex, file }: DecodeOptions): Promise<Buffer> {
  if ((hex === undefined) === (file === undefined)) {
    throw new ConfigError('decode: give either --hex or --file')
  }
  if (file !== undefined) return readFile(file)
  const digits = (hex ?? '').replaceAll(/[\s:]/g, '')
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) {
    throw new ConfigError('decode: --hex takes pairs of hexadecimal digits')
  }
  return Buffer.from(digits, 'hex')
}

function answeredApi({ response, api: name, version }: DecodeOptions): ResponseOf | null {
  if (response !== true) {
    if (name === undefined && version === undefined) return null
    throw new ConfigError(
      'decode: --api and --version go with --response; a request names its API itself',
    )
  }
  const api = name === undefined ? undefined : apiByName(name)
  if (api === undefined || version === undefined || !/^\d+$/.test(version)) {
    throw new ConfigError(
      `decode: a response does not name its API: give --api and --version${name !== undefined && api === undefined ? ` ('${name}' is not an API of Kafka)` : ''}`,
    )
  }
  return { api, version: Number(version) }
}
