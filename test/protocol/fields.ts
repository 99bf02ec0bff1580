// Kafka's message definitions as a flat list (test/vectors/fields.jsonl.gz, from Kafka 4.4.0): one row
// per field of each API, with the versions that have it. Says what an absent field is read as, and
// which fields an encoder may drop.

import { type AnyApi, decodeRequest, decodeResponse } from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { loadVectors } from '../vectors/load.ts'

export type Range = [least: number, greatest: number]
export type Direction = 'request' | 'response'

export interface FieldRow {
  api: string
  type: Direction
  /** Such as `topics[].partitions[].currentLeader`. */
  path: string
  /** Wire type; `struct` and `[]struct` for structs. */
  kind: string
  /** Versions that have the struct around it. */
  parent: Range
  versions: Range
  nullable: Range | null
  default: unknown
  ignorable: boolean
  tag?: number
}

export interface MessageLine {
  api: string
  type: Direction
  version: number
  kind: string
  json: Record<string, unknown>
  hex: string
  plainHex?: string
}

export type Struct = Record<string, unknown>

export const fieldRows: FieldRow[] = loadVectors<FieldRow>('fields')
export const messageLines: MessageLine[] = loadVectors<MessageLine>('messages')

const linesOf = new Map<string, MessageLine[]>()
for (const line of messageLines) {
  const key = `${line.api} ${line.type} ${line.version}`
  const known = linesOf.get(key)
  if (known === undefined) linesOf.set(key, [line])
  else known.push(line)
}
const apiOf = new Map(apis.map((api) => [api.name, api]))

export function api(name: string): AnyApi {
  const found = apiOf.get(name)
  if (found === undefined) throw new Error(`no codec for ${name}`)
  return found
}

/** The vectors of one API, direction and version. */
export function lines(name: string, type: Direction, version: number): MessageLine[] {
  return linesOf.get(`${name} ${type} ${version}`) ?? []
}

/** The message of a vector, fresh each time: it may be changed. */
export function decodeLine(line: MessageLine): Struct {
  const decode = line.type === 'request' ? decodeRequest : decodeResponse
  return decode<Struct, Struct>(api(line.api), line.version, Buffer.from(line.hex, 'hex')).message
}

/** All versions from `range` that lie outside `inner`. */
export function versionsOutside(range: Range, inner: Range): number[] {
  return versionsIn(range).filter((version) => version < inner[0] || version > inner[1])
}

export function versionsIn([least, greatest]: Range): number[] {
  return Array.from({ length: greatest - least + 1 }, (_, i) => least + i)
}

/** The structs of `message` that hold the last field of `path`, and that field's name. */
export function holders(message: Struct, path: string): { structs: Struct[]; field: string } {
  const steps = path.split('.')
  const field = steps[steps.length - 1]
  let structs: Struct[] = [message]
  for (const step of steps.slice(0, -1)) {
    structs = structs.flatMap((struct) => {
      const value = struct[step.replace('[]', '')]
      return value === null ? [] : Array.isArray(value) ? (value as Struct[]) : [value as Struct]
    })
  }
  return { structs, field }
}
