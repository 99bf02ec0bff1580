// A value that cannot be encoded is refused with API, version and the path of its field, and costs
// nothing while all values fit.

import { describe, expect, test } from 'vitest'
import { InvalidArgumentError } from '../../src/errors.ts'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from '../../src/protocol/api.ts'
import { apis } from '../../src/protocol/apis.ts'
import { encodeRequestFrame, encodeResponseFrame } from '../../src/protocol/header.ts'
import { heartbeat } from '../../src/protocol/messages/heartbeat.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { loadVectors } from '../vectors/load.ts'

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError)
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

const request = {
  transactionalId: null,
  acks: -1,
  timeoutMs: 1000,
  topicData: [
    { name: 'a', topicId: '', partitionData: [{ index: 0, records: null }] },
    {
      name: 'b',
      topicId: '',
      partitionData: [
        { index: 0, records: null },
        { index: 1, records: Buffer.alloc(3) },
      ],
    },
  ],
}

/** The request with one value at a path replaced. */
function withValue(path: (string | number)[], value: unknown): typeof request {
  const copy = structuredClone({ ...request, topicData: request.topicData })
  let at: unknown = copy
  for (const step of path.slice(0, -1)) at = Reflect.get(at as object, step)
  Reflect.set(at as object, path.at(-1) ?? '', value)
  return copy
}

describe('a request is refused by the path of the field', () => {
  test.each([
    [['timeoutMs'], 2 ** 31, 'timeoutMs is not valid: expected an int32'],
    [['timeoutMs'], undefined, 'timeoutMs is not valid: expected an int32'],
    [['timeoutMs'], '1000', 'timeoutMs is not valid: expected an int32'],
    [
      ['acks'],
      40_000,
      'acks is not valid: expected an int16 (-32768 to 32767), got 40000 (number)',
    ],
    [['transactionalId'], 5, 'transactionalId is not valid: expected a string, got 5 (number)'],
    [['transactionalId'], undefined, 'transactionalId is not valid: expected a string'],
    [['topicData'], undefined, 'topicData is not valid: expected an array, got undefined'],
    [['topicData'], {}, 'topicData is not valid: expected an array, got an object'],
    [['topicData', 1], undefined, 'topicData[1] is not valid: expected an object, got undefined'],
    [['topicData', 1], null, 'topicData[1] is not valid: expected an object, got null'],
    [['topicData', 1, 'name'], null, 'topicData[1].name is not valid: expected a string, got null'],
    [
      ['topicData', 1, 'name'],
      'x'.repeat(40_000),
      'topicData[1].name is not valid: expected a str',
    ],
    [['topicData', 0, 'partitionData'], 'p0', 'topicData[0].partitionData is not valid'],
    [
      ['topicData', 1, 'partitionData', 1, 'index'],
      1.5,
      'topicData[1].partitionData[1].index is not',
    ],
    [
      ['topicData', 1, 'partitionData', 0, 'records'],
      'r',
      'topicData[1].partitionData[0].records is',
    ],
  ] as const)('%j: %j', (path, value, message) => {
    const wrong = withValue([...path], value)
    for (const version of [9, 12]) {
      expect(refusal(() => encodeRequest(produce, version, wrong))).toMatch(
        `Produce v${version} request: ${message}`,
      )
      expect(refusal(() => encodeRequestFrame(produce, version, 1, null, wrong))).toMatch(
        `Produce v${version} request: ${message}`,
      )
    }
  })

  test.each([null, undefined, 5, 'x'])('%s in its place', (value) => {
    expect(refusal(() => encodeRequest(produce, 9, value as never))).toMatch(
      'Produce v9 request is not valid: expected an object, got ',
    )
  })
})

test('values of leaf arrays have their index in the path', () => {
  const topic = { topicId: 'AAAAAAAAAAAAAAAAAAAAAA', name: 't', isInternal: false, errorCode: 0 }
  const partition = {
    errorCode: 0,
    partitionIndex: 0,
    leaderId: 1,
    leaderEpoch: 0,
    replicaNodes: [1, 2],
    isrNodes: [1, 2, 2 ** 40],
    offlineReplicas: [],
  }
  const response = {
    throttleTimeMs: 0,
    brokers: [],
    clusterId: null,
    controllerId: 1,
    topics: [{ ...topic, partitions: [partition], topicAuthorizedOperations: 0 }],
    clusterAuthorizedOperations: 0,
    errorCode: 0,
  }
  const message = 'Metadata v12 response: topics[0].partitions[0].isrNodes[2] is not valid'
  expect(refusal(() => encodeResponse(metadata, 12, response))).toMatch(message)
  expect(refusal(() => encodeResponseFrame(metadata, 12, 1, response))).toMatch(message)
})

test('so are the values of a header', () => {
  const beat = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
  expect(refusal(() => encodeRequestFrame(heartbeat, 4, 2 ** 31, 'c', beat))).toMatch(
    'RequestHeader v2: correlationId is not valid: expected an int32',
  )
  expect(refusal(() => encodeRequestFrame(heartbeat, 4, 1, 5 as never, beat))).toMatch(
    'RequestHeader v2: clientId is not valid: expected a string or null, got 5 (number)',
  )
  expect(refusal(() => encodeResponseFrame(heartbeat, 4, 1.5, {} as never))).toMatch(
    'ResponseHeader v1: correlationId is not valid',
  )
})

test('an error that comes from the message itself is kept as the cause', () => {
  const own = new Error('a getter that throws')
  const wrong = {
    ...request,
    get timeoutMs(): number {
      throw own
    },
  }
  const error = (() => {
    try {
      return encodeRequest(produce, 9, wrong)
    } catch (caught) {
      return caught
    }
  })()
  expect(error).toBeInstanceOf(InvalidArgumentError)
  expect(error).toMatchObject({ cause: own, message: expect.stringContaining('a getter that thr') })
})

interface Line {
  api: string
  type: 'request' | 'response'
  version: number
  kind: string
  json: unknown
  hex: string
}

/** Every path of a message to a value that is not an object or an array. */
function* leaves(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) {
    if (path.length > 0) yield path
    return
  }
  for (const [key, child] of Object.entries(value)) {
    yield* leaves(child, [...path, Array.isArray(value) ? Number(key) : key])
  }
}

function pathName(path: (string | number)[]): string {
  return path
    .map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`))
    .join('')
}

// Field by field of every message: what is put in its place is of no type of the protocol.
test('every field of every message of every API is named', () => {
  const lines = loadVectors<Line>('messages').filter(({ kind }) => kind === 'random')
  let count = 0
  const done = new Set<string>()
  for (const line of lines) {
    const api = apis.find(({ name }) => name === line.api)
    if (api === undefined || line.version !== api.maxVersion) continue
    if (done.has(`${line.api} ${line.type}`)) continue
    done.add(`${line.api} ${line.type}`)
    const encode = line.type === 'request' ? encodeRequest : encodeResponse
    const decode = line.type === 'request' ? decodeRequest : decodeResponse
    const bytes = Buffer.from(line.hex, 'hex')
    const fresh = (): object => decode(api, line.version, bytes).message as object
    for (const path of leaves(line.json)) {
      // One element of each array stands for all.
      const field = `${line.api} ${line.type} ${path.filter((step) => typeof step === 'string')}`
      if (done.has(field)) continue
      done.add(field)
      const message = fresh()
      let at: unknown = message
      for (const step of path.slice(0, -1)) at = Reflect.get(at as object, step)
      const wrong = Symbol('wrong')
      Reflect.set(at as object, path.at(-1) ?? '', wrong)
      const refused = refusal(() => encode(api, line.version, message))
      expect(refused).toMatch(
        `${line.api} v${line.version} ${line.type}: ${pathName(path)} is not `,
      )
      count++
    }
  }
  expect(count).toBeGreaterThan(900)
})
