// What goes in by `produce` comes out by `consume`, in each of the forms that they have.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { lineFormat, lineParser } from '../../src/cli/line-parser.ts'
import { lineGroups } from '../../src/cli/lines.ts'
import { recordFormat, templateFormat } from '../../src/cli/record-format.ts'
import { Kafka } from '../../src/kafka.ts'
import type { ProducerRecord } from '../../src/producer/record.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import type { ConsumerRecord } from '../../src/records/consumer-record.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { kafkawire } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let cluster: TestCluster
let servers: string[]
let kafka: Kafka

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 1, autoCreateTopics: false })
  servers = ['--bootstrap-server', cluster.bootstrapServers]
  kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
})
afterAll(async () => {
  await kafka.close()
  await cluster.close()
})

let topics = 0
async function topicOf(...records: Omit<ProducerRecord, 'topic'>[]): Promise<string> {
  const topic = `t${topics++}`
  cluster.createTopic(topic, { partitions: 1 })
  const producer = kafka.producer()
  await producer.sendBatch(records.map((record) => ({ ...record, topic })))
  await producer.close()
  return topic
}

const consume = async (topic: string, ...flags: string[]): Promise<string> => {
  const ran = await kafkawire(
    'consume',
    '--topic',
    topic,
    ...(flags.includes('--offset') ? [] : ['--from-beginning']),
    '--exit',
    ...flags,
    ...servers,
  )
  expect(ran.code, ran.stderr).toBe(0)
  return ran.stdout
}

describe('lines', () => {
  const split = async (pieces: string[], delimiter?: string): Promise<string[]> => {
    async function* stream(): AsyncIterable<Buffer> {
      for (const piece of pieces) yield Buffer.from(piece)
    }
    const lines: string[] = []
    for await (const group of lineGroups(stream(), delimiter)) lines.push(...group.map(String))
    return lines
  }

  test.each<[string[], string[], string?]>([
    [['a\nb\n'], ['a', 'b']],
    [['a\nb'], ['a', 'b']],
    [
      ['a', 'b', '\n', 'c'],
      ['ab', 'c'],
    ],
    [['\n\n'], ['', '']],
    [['a\r\nb\r\n\r\nc\rd\r'], ['a\r', 'b\r', '\r', 'c\rd\r']],
    [['a\r\nb\r', '\n\r\nc\rd\r'], ['a', 'b', '', 'c\rd\r'], '\r\n'],
    [
      ['a\r', '\nb'],
      ['a\r', 'b'],
    ],
    [['a\r\nb\r\n'], ['a\r', 'b\r'], '\n'],
    [[], []],
    [['a::b:', ':c'], ['a', 'b', 'c'], '::'],
    [['a:', ':', ':b:'], ['a', ':b:'], '::'],
    [['a:::', 'b'], ['a', ':b'], '::'],
  ])('%j', async (pieces, lines, delimiter) => {
    expect(await split(pieces, delimiter)).toEqual(lines)
  })
})

test('a line of many pieces is joined once', async () => {
  async function* stream(): AsyncIterable<Buffer> {
    for (let i = 0; i < 2000; i++) yield Buffer.alloc(65_536, 120)
    yield Buffer.from('\nb')
  }
  const startedAt = performance.now()
  const lengths: number[] = []
  for await (const group of lineGroups(stream())) lengths.push(...group.map(({ length }) => length))
  expect(lengths).toEqual([2000 * 65_536, 1])
  expect(performance.now() - startedAt).toBeLessThan(10_000)
})

describe('a line becomes a record', () => {
  const parse = (line: string, properties: Record<string, string>, json = false): object => {
    const format = lineFormat(new Map(Object.entries(properties)))
    format.json = json
    return JSON.parse(
      JSON.stringify(lineParser(format)(Buffer.from(line), 1), (_, value) =>
        value?.type === 'Buffer'
          ? Buffer.from(value.data as number[]).toString()
          : (value as unknown),
      ),
    ) as object
  }

  test.each([
    ['a\tb', {}, { value: 'a\tb' }],
    ['a\tb', { 'parse.key': 'true' }, { key: 'a', value: 'b' }],
    ['a:b:c', { 'parse.key': 'true', 'key.separator': ':' }, { key: 'a', value: 'b:c' }],
    ['ab', { 'parse.key': 'true', 'ignore.error': 'true' }, { value: 'ab' }],
    ['', { 'null.marker': '' }, { value: null }],
    ['NULL', { 'null.marker': 'NULL' }, { value: null }],
    [
      'NULL:b',
      { 'parse.key': 'true', 'key.separator': ':', 'null.marker': 'NULL' },
      { key: null, value: 'b' },
    ],
    [
      'h1:v1,h2:v2\tk\tv',
      { 'parse.key': 'true', 'parse.headers': 'true' },
      {
        key: 'k',
        value: 'v',
        headers: [
          { key: 'h1', value: 'v1' },
          { key: 'h2', value: 'v2' },
        ],
      },
    ],
  ])('%j with %j', (line, properties, record) => {
    expect(parse(line, properties as Record<string, string>)).toEqual(record)
  })

  test('JSON with key, headers, partition and timestamp', () => {
    const line =
      '{"key":"k","value":{"base64":"AAE="},"headers":{"h":"v"},"partition":2,"timestamp":5}'
    expect(parse(line, {}, true)).toEqual({
      key: 'k',
      value: '\u0000\u0001',
      headers: [{ key: 'h', value: 'v' }],
      partition: 2,
      timestamp: 5,
    })
  })

  test.each([
    ['ab', { 'parse.key': 'true' }, false, 'Line 1 has no key.separator "\\t"'],
    ['{', {}, true, 'Line 1 is not JSON'],
    ['{"key":"k"}', {}, true, 'Line 1 is not an object with a "value"'],
    ['{"value":"v","partition":"1"}', {}, true, 'Line 1: "partition" must be a whole number'],
    ['{"value":"v","timestamp":1.5}', {}, true, 'Line 1: "timestamp" must be a whole number'],
    ['{"value":"v","headers":"h"}', {}, true, 'Line 1: "headers" must be an object or a list'],
    ['{"value":"v","headers":[5]}', {}, true, 'Line 1: a header has no "key"'],
    ['{"value":{"id":12345678901234567890}}', {}, true, 'is not exactly the number'],
    ['{"value":[1e999]}', {}, true, 'is not exactly the number'],
    ['a', { 'parse.key': 'true', 'key.separator': '' }, false, 'key.separator must not be empty'],
    ['a', { 'parse.headers': 'true', 'headers.separator': '' }, false, 'must not be empty'],
    [
      'a',
      { 'parse.headers': 'true', 'headers.separator': ':' },
      false,
      'headers.key.separator and headers.separator must not be the same',
    ],
    [
      'a',
      { 'parse.key': 'true', 'key.separator': ',', 'null.marker': ',' },
      false,
      'key.separator and null.marker must not be the same',
    ],
  ])('%j is refused', (line, properties, json, message) => {
    expect(() => parse(line, properties as Record<string, string>, json)).toThrow(message)
  })

  test('JSON of a file with a byte order mark, and numbers that are exact', () => {
    const line = '\ufeff{"value":{"id":9007199254740992,"x":1.5,"y":1e300}}'
    expect(parse(line, {}, true)).toEqual({ value: '{"id":9007199254740992,"x":1.5,"y":1e+300}' })
  })

  test('a property that the reader does not have is refused', () => {
    expect(() => lineFormat(new Map([['parse.keys', 'true']]))).toThrow('no such property')
  })
})

describe('a record becomes text', () => {
  // Plain objects with what a format reads of a record, so that a case can change one part.
  const record = {
    topic: 't',
    partition: 3,
    offset: 7n,
    timestamp: 1000,
    timestampType: 'CreateTime',
    leaderEpoch: 2,
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    headers: [
      { key: 'h', value: Buffer.from('1') },
      { key: 'n', value: null },
    ],
  } as unknown as ConsumerRecord
  const empty = { ...record, key: null, value: null, headers: [] } as unknown as ConsumerRecord
  const shown = (format: ReturnType<typeof recordFormat>, of = record): string => {
    const parts: (Buffer | string)[] = []
    format(of, parts)
    return parts.map(String).join('')
  }
  const all = Object.fromEntries(
    ['timestamp', 'partition', 'offset', 'headers', 'key'].map((name) => [`print.${name}`, 'true']),
  )

  test.each([
    [{}, 'v\n'],
    [{ 'print.key': 'true' }, 'k\tv\n'],
    [{ 'print.key': 'true', 'print.value': 'false', 'key.separator': '|' }, 'k\n'],
    [all, 'CreateTime:1000\tPartition:3\tOffset:7\th:1,n:null\tk\tv\n'],
    [{ 'line.separator': ';' }, 'v;'],
  ])('by the properties %j', (properties, text) => {
    expect(shown(recordFormat(new Map(Object.entries(properties)), {}))).toBe(text)
  })

  test('null, and no headers', () => {
    const format = recordFormat(
      new Map([
        ['print.key', 'true'],
        ['print.headers', 'true'],
        ['null.literal', '-'],
      ]),
      {},
    )
    expect(shown(format, empty)).toBe('NO_HEADERS\t-\t-\n')
  })

  test.each([
    ['%k %v %o %h', 'k v 7 h=1,n=NULL\n'],
    ['%t[%p]@%T %K %S %%\\n', 't[3]@1000 1 1 %\n'],
    ['%s\\x00', 'v\0'],
  ])('by the template %j', (template, text) => {
    expect(shown(templateFormat(template))).toBe(text)
  })

  test('numbers by a deserializer', () => {
    const value = Buffer.alloc(8)
    value.writeBigInt64BE(-5n)
    const long = { ...record, value } as unknown as ConsumerRecord
    expect(shown(recordFormat(new Map(), { value: 'org.x.LongDeserializer' }), long)).toBe('-5\n')
    expect(shown(recordFormat(new Map(), { value: 'LongDeserializer' }))).toContain('1 bytes')
  })

  test('what is not known is refused', () => {
    expect(() => recordFormat(new Map([['print.keys', 'true']]), {})).toThrow('no such property')
    expect(() => recordFormat(new Map(), { key: 'AvroDeserializer' })).toThrow('not known')
    expect(() => templateFormat('%z')).toThrow('%z is not known')
  })
})

describe('consume', () => {
  test('--exit ends at the present end, of an empty topic too', async () => {
    expect(await consume(await topicOf())).toBe('')
    expect(await consume(await topicOf({ value: 'a' }, { value: 'b' }))).toBe('a\nb\n')
  })

  test('--offset: a number, the last n, ends', async () => {
    const topic = await topicOf({ value: 'a' }, { value: 'b' }, { value: 'c' })
    const from = (offset: string) => consume(topic, '--partition', '0', '--offset', offset)
    expect(await from('1')).toBe('b\nc\n')
    expect(await from('-1')).toBe('c\n')
    expect(await from('-100')).toBe('a\nb\nc\n')
    expect(await from('earliest')).toBe('a\nb\nc\n')
    expect(await from('latest')).toBe('')
  })

  test('--offset of a record that is deleted: from where the log begins, with a warning', async () => {
    const topic = await topicOf({ value: 'a' }, { value: 'b' }, { value: 'c' })
    await kafkawire('delete-records', '--topic', `${topic}:0:2`, ...servers)
    const flags = ['--offset', '1', '--exit', ...servers]
    const ran = await kafkawire('consume', '--topic', topic, ...flags)
    expect([ran.code, ran.stdout]).toEqual([0, 'c\n'])
    expect(ran.stderr).toContain(`Warning: ${topic}-0 has no offset 1 any more: it begins at 2.`)
  })

  test('--max-messages of a group: what was printed is committed', async () => {
    const topic = await topicOf({ value: 'a' }, { value: 'b' }, { value: 'c' })
    const flags = ['--group', 'some', '--max-messages', '2', '--from-beginning', ...servers]
    const { stdout } = await kafkawire('consume', '--topic', topic, ...flags)
    expect(stdout).toBe('a\nb\n')
    expect(cluster.committedOffset('some', topic, 0)).toBe(2n)
  })

  test('--exit of a group leaves what came after the end for the next run', async () => {
    const topic = await topicOf({ value: 'a' }, { value: 'b' })
    const flags = ['--group', 'exits', '--from-beginning', '--exit', ...servers]
    const producer = kafka.producer()
    // Behind the question for the end, and before the records are asked for.
    const stop = cluster.intercept(fetch, async ({ next }) => {
      stop()
      await producer.sendBatch([
        { topic, value: 'c' },
        { topic, value: 'd' },
      ])
      return next()
    })
    const first = await kafkawire('consume', '--topic', topic, ...flags)
    expect(first.stdout).toBe('a\nb\n')
    expect(cluster.committedOffset('exits', topic, 0)).toBe(2n)
    const second = await kafkawire('consume', '--topic', topic, ...flags)
    expect(second.stdout).toBe('c\nd\n')
    await producer.close()
  })

  test('--timeout-ms ends when no record comes', async () => {
    const topic = await topicOf({ value: 'a' })
    const { stdout, code } = await kafkawire(
      'consume',
      '--topic',
      topic,
      '--from-beginning',
      '--timeout-ms',
      '2000',
      ...servers,
    )
    expect([stdout, code]).toEqual(['a\n', 0])
  })

  test('--json is what produce --input-format json reads', async () => {
    const topic = await topicOf({
      key: 'k',
      value: Buffer.from([0xff, 0]),
      headers: { h: 'v' },
      timestamp: 77,
    })
    const text = await consume(topic, '--json')
    expect(JSON.parse(text)).toMatchObject({ key: 'k', value: { base64: '/wA=' }, timestamp: 77 })
  })

  test('a topic that does not exist: exit code 1 at once', async () => {
    const ran = await kafkawire('consume', '--topic', 'nope', ...servers)
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toContain('topic "nope"')
  })

  test.each([
    [[], 'Give --topic or --include'],
    [['--topic', 'a', '--include', 'b'], 'and not both'],
    [['--topic', 'a', '--group', 'g', '--partition', '0'], '--group cannot be combined'],
    [['--topic', 'a', '--format', '%z'], '%z is not known'],
    [['--topic', 'a', '--offset', '5', '--from-beginning'], '--offset or --from-beginning'],
  ])('wrong flags %j', async (flags, message) => {
    const ran = await kafkawire('consume', ...flags, ...servers)
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(message)])
  })
})

test('produce: each file is a record', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-test-'))
  const files = ['a', 'b'].map((name) => join(folder, name))
  for (const file of files) writeFileSync(file, `${file}\nsecond line`)
  const topic = await topicOf()
  const flags = ['--topic', topic, '--key', 'k', '--header', 'h=v', '--json']
  const ran = await kafkawire('produce', ...files, ...flags, ...servers)
  expect(ran.objects()).toEqual([{ written: 2, failed: 0 }])
  const lines = (await consume(topic, '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(lines).toMatchObject(
    files.map((file) => ({
      key: 'k',
      value: `${file}\nsecond line`,
      headers: [{ key: 'h', value: 'v' }],
    })),
  )
})

describe('share-consume', () => {
  const shareConsume = async (topic: string, ...flags: string[]) => {
    const ran = await kafkawire('share-consume', '--topic', topic, ...flags, ...servers)
    expect(ran.code, ran.stderr).toBe(0)
    return ran.stdout
  }

  async function groupOf(): Promise<string> {
    const name = `share-${topics++}`
    const configs = [{ name: 'share.auto.offset.reset', value: 'earliest' }]
    const admin = kafka.admin()
    await admin.incrementalAlterConfigs([{ type: 'GROUP', name, configs }])
    await admin.close()
    return name
  }

  test('prints and accepts, releases, or rejects', async () => {
    const topic = await topicOf({ value: 'a' }, { key: 'k', value: 'b' }, { value: 'c' })
    const group = await groupOf()
    const flags = ['--group', group, '--max-messages']
    expect(await shareConsume(topic, ...flags, '1', '--release')).toBe('a\n')
    const json = await shareConsume(topic, ...flags, '1', '--json')
    expect(JSON.parse(json)).toMatchObject({ value: 'a', deliveryCount: 2 })
    expect(await shareConsume(topic, ...flags, '1', '--format', '%k=%v\n', '--reject')).toBe(
      'k=b\n',
    )
    expect(await shareConsume(topic, ...flags, '1', '--timeout-ms', '60000')).toBe('c\n')
    expect(await shareConsume(topic, '--group', group, '--timeout-ms', '300')).toBe('')
  })

  test('says what is wrong', async () => {
    const topic = await topicOf({ value: 'a' })
    const both = await kafkawire(
      'share-consume',
      '--topic',
      topic,
      '--reject',
      '--release',
      ...servers,
    )
    expect(both.code).not.toBe(0)
    expect(both.stderr).toContain('Give --reject or --release, and not both.')
    const missing = await kafkawire('share-consume', '--topic', 'nope', ...servers)
    expect(missing.code).toBe(1)
    expect(missing.stderr).toContain('nope')
  })
})
