// Tagged fields: the table of the definitions is Kafka's own, a default is not written, and a tag number
// that a version does not give a meaning is skipped, whatever it holds.

import { describe, expect, test } from 'vitest'
import { decodeResponse, encodeRequest, encodeResponse } from '../../src/protocol/api.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { deleteGroups } from '../../src/protocol/messages/delete-groups.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { setUnknownTags, unknownTags } from '../../src/protocol/unknown-tags.ts'
import { Writer } from '../../src/protocol/writer.ts'
import { loadTable } from '../vectors/load.ts'
import {
  api,
  decodeLine,
  fieldRows,
  holders,
  lines,
  type Struct,
  versionsIn,
  versionsOutside,
} from './fields.ts'
import { difference } from './vector-json.ts'

interface TaggedRow {
  api: string
  type: string
  path: string
  tag: number
  versions: [number, number]
  default: unknown
}

const tagged = fieldRows.filter((row) => row.tag !== undefined)
const known = new Set(fieldRows.map((row) => row.api))
const name = (row: { api: string; type: string; path: string }) =>
  `${row.api} ${row.type} ${row.path}`

test('the definitions agree with the tagged fields that the Java classes have', () => {
  const table = loadTable<TaggedRow>('tagged-fields').filter((row) => known.has(row.api))
  const sorted = (rows: TaggedRow[]) => rows.sort((a, b) => (name(a) < name(b) ? -1 : 1))
  const own = tagged.map(({ api, type, path, tag = -1, versions, default: value }) => {
    return { api, type, path, tag, versions, default: value }
  })
  expect(sorted(own)).toEqual(sorted(table))
})

describe.each(tagged.map((row) => [name(row), row] as const))('%s', (_, row) => {
  test('is not written where it holds its default', () => {
    const write = row.type === 'request' ? encodeRequest : encodeResponse
    let written = 0
    for (const version of versionsIn(row.versions)) {
      for (const line of lines(row.api, row.type, version)) {
        const message = decodeLine(line)
        const { structs, field } = holders(message, row.path)
        const given = structs.filter((struct) => difference(struct[field], row.default) !== null)
        if (given.length === 0) continue
        const long = write<Struct, Struct>(api(row.api), version, message).length
        const absent = structs.find((struct) => !given.includes(struct)) ?? defaultHolder(row.path)
        for (const struct of given) struct[field] = absent[field]
        expect(write<Struct, Struct>(api(row.api), version, message).length).toBeLessThan(long)
        written++
      }
    }
    expect(written, `messages with ${row.path}`).toBeGreaterThan(0)
  })

  /** A struct as it is decoded where the tagged field is absent. */
  function defaultHolder(path: string): Struct {
    for (const version of versionsIn(row.parent)) {
      for (const line of lines(row.api, row.type, version)) {
        const { structs, field } = holders(decodeLine(line), path)
        const found = structs.find((struct) => difference(struct[field], row.default) === null)
        if (found !== undefined) return found
      }
    }
    throw new Error(`no default of ${path} seen`)
  }

  test('is skipped in flexible versions that lack it', () => {
    if (row.path.includes('.')) return // of nested ones, Produce below stands for all
    const { flexibleFrom } = api(row.api)
    for (const version of versionsOutside(row.parent, row.versions)) {
      if (version < flexibleFrom) continue
      const line = lines(row.api, row.type, version).find((line) => line.kind === 'default')
      const bytes = Buffer.from(line?.hex ?? '', 'hex')
      expect(bytes.at(-1), 'no tagged fields').toBe(0)
      const withTag = `${bytes.subarray(0, -1).toString('hex')}01${`0${row.tag}`}02ffff`
      const message = decodeLine({ ...line!, hex: withTag })
      expect(difference(message[row.path], row.default)).toBe(null)
    }
  })
})

test('a tag of a nested struct is skipped in a flexible version that lacks it', () => {
  const w = new Writer(produce, 9)
  const encodeTopic = (w: Writer): void => {
    w.string('orders')
    w.array([0, 1], (w, index) => {
      w.int32(index)
      w.int16(0)
      w.int64(5n)
      w.int64(-1n)
      w.int64(0n)
      w.int32Array([])
      w.nullableString(null)
      w.tags({ tag: 0, encode: (w) => w.int32(7) })
    })
    w.tags()
  }
  w.array([0], encodeTopic)
  w.int32(0)
  w.tags()
  const { message, bytesLeft } = decodeResponse(produce, 9, w.finishToBuffer())
  const { partitionResponses } = message.responses[0]
  expect(partitionResponses.map((partition) => partition.currentLeader)).toEqual([
    { leaderId: -1, leaderEpoch: -1 },
    { leaderId: -1, leaderEpoch: -1 },
  ])
  expect(partitionResponses[1].index).toBe(1)
  expect(bytesLeft).toBe(0)
})

describe('tagged fields that no codec knows', () => {
  const seven = { tag: 7, data: Buffer.from('seven') }

  test('are kept with the struct that they ended, also in copies', () => {
    const line = lines('Metadata', 'response', 12).find(({ kind }) => kind === 'unknownTags')
    const bytes = Buffer.from(line?.hex ?? '', 'hex')
    const { message } = decodeResponse(metadata, 12, bytes)
    const structs = [message, ...message.brokers, ...message.topics]
    expect(structs.flatMap((struct) => unknownTags(struct)).length).toBeGreaterThan(0)
    const copied = {
      ...message,
      brokers: message.brokers.map((each) => ({ ...each })),
      topics: message.topics.map((each) => ({ ...each })),
    }
    expect(encodeResponse(metadata, 12, copied).equals(bytes)).toBe(true)
  })

  test('go with their struct when others are added or taken away', () => {
    const group = (groupId: string) => ({ groupId, errorCode: 0, errorMessage: null })
    const response = { throttleTimeMs: 0, results: [group('a'), group('b')] }
    setUnknownTags(response.results[1], [seven])
    const shorter = { ...response, results: response.results.slice(1) }
    const bytes = encodeResponse(deleteGroups, 2, shorter)
    const { message } = decodeResponse(deleteGroups, 2, bytes)
    expect(unknownTags(message)).toEqual([])
    expect(message.results).toHaveLength(1)
    expect(unknownTags(message.results[0])).toEqual([seven])
  })

  test('are written by rising tag among those that the codec knows, which win', () => {
    const response = {
      errorCode: 0,
      apiKeys: [],
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: 5n,
      finalizedFeatures: [],
      zkMigrationReady: false,
    }
    setUnknownTags(response, [
      { tag: 9, data: Buffer.from([9]) },
      { tag: 1, data: Buffer.from([1]) },
      { tag: 0, data: Buffer.alloc(0) },
    ])
    const bytes = encodeResponse(apiVersions, 4, response).toString('hex')
    expect(bytes).toBe(`0000${'01'}00000000${'03'}${'0000'}${'01080000000000000005'}${'090109'}`)
  })

  test('are not written in versions that have no tags', () => {
    const request = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
    const plain = { ...request }
    setUnknownTags(request, [seven])
    expect(encodeRequest(heartbeat, 3, request)).toEqual(encodeRequest(heartbeat, 3, plain))
    const extra = encodeRequest(heartbeat, 4, request).length
    expect(extra).toBe(encodeRequest(heartbeat, 4, plain).length + 2 + seven.data.length)
  })

  test('are copies that do not hold on to the frame', () => {
    const line = lines('Metadata', 'response', 12).find(({ kind }) => kind === 'unknownTags')
    const bytes = Buffer.from(line?.hex ?? '', 'hex')
    const before = encodeResponse(metadata, 12, decodeResponse(metadata, 12, bytes).message)
    const changing = Buffer.from(bytes)
    const { message } = decodeResponse(metadata, 12, changing)
    changing.fill(0)
    expect(encodeResponse(metadata, 12, message).equals(before)).toBe(true)
  })
})
