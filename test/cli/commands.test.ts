// Commands against the in-process broker: what they print, and exit codes 0, 1 and 2.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildProgram } from '../../src/cli/program.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { kafkawire } from './run.ts'

// Loading every command takes long on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let cluster: TestCluster
let servers: string[]

beforeAll(async () => {
  cluster = await TestCluster.start({ nodes: 3, topics: { orders: 3 } })
  servers = ['--bootstrap-server', cluster.bootstrapServers]
})
afterAll(async () => {
  await cluster.close()
})

test('configs changes several SCRAM credentials of a user, which a request cannot', async () => {
  const user = ['--entity-type', 'users', '--entity-name', 'ann', ...servers]
  const both = 'SCRAM-SHA-256=[password=a],SCRAM-SHA-512=[iterations=8192,password=b]'
  expect(await kafkawire('configs', '--alter', '--add-config', both, ...user)).toMatchObject({
    code: 0,
    stdout: 'Completed updating the SCRAM credentials of user ann.\n',
  })
  const { stdout } = await kafkawire('configs', '--describe', ...user)
  expect(stdout).toMatch(/SCRAM-SHA-256=iterations=4096, SCRAM-SHA-512=iterations=8192/)
})

describe('topics', () => {
  test('create, list, alter, delete', async () => {
    const created = await kafkawire(
      'topics',
      '--create',
      '--topic',
      'new',
      '--partitions',
      '2',
      ...servers,
    )
    expect(created).toMatchObject({ stdout: 'Created topic new.\n', stderr: '', code: 0 })
    expect((await kafkawire('topics', '--list', ...servers)).stdout).toBe('new\norders\n')
    const altered = await kafkawire(
      'topics',
      '--alter',
      '--topic',
      'new',
      '--partitions',
      '4',
      ...servers,
    )
    expect(altered.stdout).toBe('Topic new has 4 partitions.\n')
    expect(cluster.leaderOf('new', 3)).toBeGreaterThan(0)
    const deleted = await kafkawire('topics', '--delete', '--topic', 'new', ...servers)
    expect(deleted.stdout).toBe('Deleted topic new.\n')
  })

  test('describe as a table and as JSON', async () => {
    const { stdout } = await kafkawire('topics', '--describe', '--topic', 'orders', ...servers)
    expect(stdout).toContain('Topic: orders')
    expect(stdout).toMatch(/Partition {2}Leader {2}Replicas/)
    const json = await kafkawire('topics', '--describe', '--json', ...servers)
    expect(json.objects()).toMatchObject([{ topic: 'orders', partitions: [{}, {}, {}] }])
  })

  test('one that exists: exit code 1, one sentence; --if-not-exists: no failure', async () => {
    const again = await kafkawire('topics', '--create', '--topic', 'orders', ...servers)
    expect(again.code).toBe(1)
    expect(again.stdout).toBe('')
    expect(again.stderr).toMatch(/^Error: topic "orders": .*TOPIC_ALREADY_EXISTS.*\n$/)
    const given = ['--if-not-exists', ...servers]
    expect((await kafkawire('topics', '--create', '--topic', 'orders', ...given)).code).toBe(0)
  })

  test("Kafka's name of the script works too", async () => {
    expect((await kafkawire('kafka-topics.sh', '--list', ...servers)).stdout).toBe('orders\n')
  })
})

describe('configs', () => {
  test('what is not set cannot be deleted, and nothing else is changed then', async () => {
    const alter = (...flags: string[]) =>
      kafkawire('configs', '--alter', '--topic', 'orders', ...flags, ...servers)
    expect((await alter('--add-config', 'retention.ms=5000')).code).toBe(0)
    const wrong = await alter('--delete-config', 'retention.mz', '--add-config', 'flush.ms=7')
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      'Error: topic "orders" has no config retention.mz set on it that could be deleted. See what is set with --describe.\n',
    ])
    expect((await alter('--delete-config', 'retention.ms')).code).toBe(0)
    expect((await alter('--delete-config', 'retention.ms')).code).toBe(1)
    const { stdout } = await kafkawire('configs', '--describe', '--topic', 'orders', ...servers)
    expect(stdout).toContain('none')
  })

  test('a name with control characters stays on one line', async () => {
    const ran = await kafkawire('groups', '--describe', '--group', 'a\u001b[31m\nb', ...servers)
    expect(ran.code).toBe(1)
    expect(ran.stderr).toMatch(/^Error: group "a\\u001b\[31m\\nb": .*GROUP_ID_NOT_FOUND.*\n$/)
  })
})

describe('offsets and groups', () => {
  test('reset by CSV, describe the lag, delete', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kafkawire-test-'))
    const file = join(folder, 'offsets.csv')
    writeFileSync(file, 'orders,0,0\norders,1,0\n')
    const flags = ['--group', 'g', ...servers]
    const dry = await kafkawire(
      'groups',
      '--reset-offsets',
      '--from-file',
      file,
      '--dry-run',
      ...flags,
    )
    expect(dry.stdout).toContain('NEW-OFFSET')
    expect(cluster.committedOffset('g', 'orders', 0)).toBeNull()
    await kafkawire('groups', '--reset-offsets', '--from-file', file, '--execute', ...flags)
    expect(cluster.committedOffset('g', 'orders', 1)).toBe(0n)
    const lag = await kafkawire('groups', '--describe', '--json', ...flags)
    expect(lag.objects()).toMatchObject([
      { groupId: 'g', topic: 'orders', partition: 0, committedOffset: 0, endOffset: 0, lag: 0 },
      { partition: 1 },
    ])
    expect((await kafkawire('groups', '--list', ...servers)).stdout).toBe('g\n')
    expect((await kafkawire('groups', '--delete', ...flags)).stdout).toBe('Deleted group g.\n')
    const missing = await kafkawire('groups', '--describe', ...flags)
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toContain('GROUP_ID_NOT_FOUND')
  })

  test('nothing is committed for a topic: --delete-offsets fails, and names it', async () => {
    const flags = ['--delete-offsets', '--topic', 'orders', ...servers]
    const missing = await kafkawire('groups', ...flags, '--group', 'nothing')
    expect(missing).toMatchObject({ code: 1, stdout: '' })
    expect(missing.stderr).toContain('Group "nothing" has committed nothing for orders')
    expect((await kafkawire('groups', ...flags, '--all-groups')).code).toBe(0)
  })

  test('a part that failed: what is done is printed, and the rest is named', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'kafkawire-test-')), 'offsets.csv')
    writeFileSync(file, 'orders,0,0\n')
    const group = ['--group', 'there', ...servers]
    await kafkawire('groups', '--reset-offsets', '--from-file', file, '--execute', ...group)
    const both = [...group, '--group', 'missing']
    const deleted = await kafkawire('groups', '--delete', ...both)
    expect([deleted.code, deleted.stdout]).toEqual([1, 'Deleted group there.\n'])
    expect(deleted.stderr).toMatch(/^Error: group "missing": .*\n$/)
  })

  test('share-groups changes share groups only', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'kafkawire-test-')), 'offsets.csv')
    writeFileSync(file, '\ufefforders,0,0\n')
    const flags = ['--group', 'billing', ...servers]
    await kafkawire('groups', '--reset-offsets', '--from-file', file, '--execute', ...flags)
    expect(cluster.committedOffset('billing', 'orders', 0)).toBe(0n)
    for (const action of [['--delete'], ['--delete-offsets', '--topic', 'orders']]) {
      const ran = await kafkawire('share-groups', ...action, ...flags)
      expect(ran.stderr).toMatch(/Group "billing" is a classic group and not a share group/)
      expect(ran.code).toBe(1)
    }
    expect(cluster.committedOffset('billing', 'orders', 0)).toBe(0n)
  })

  test('offsets in the form of the script', async () => {
    const { stdout } = await kafkawire('offsets', '--topic', 'orders', ...servers)
    expect(stdout).toBe('orders:0:0\norders:1:0\norders:2:0\n')
  })
})

describe('usage', () => {
  test.each([
    [['topics'], 'Say what to do: --create, --list, --describe, --alter or --delete.'],
    [['topics', '--list', '--create'], '--create and --list cannot be combined'],
    [['topics', '--create'], '--create needs --topic.'],
    [['topics', '--lst'], "unknown option '--lst'"],
    [
      ['topics', '--create', '--topic', 'x', '--partitions', 'many'],
      'Expected a whole number from 1',
    ],
    [['topics', '--create', '--topic', 'x', '--config', 'a'], '--config a: expected key=value.'],
    [['configs', '--describe'], 'Say what it is about'],
    [['configs', '--describe', '--entity-type', 'planets'], 'expected one of topics, brokers'],
    [['groups', '--describe'], 'Say which group'],
    [['acls', '--add', '--topic', 'x'], '--add needs --allow-principal or --deny-principal.'],
    [['acls', '--add', '--allow-principal', 'alice', '--topic', 'x'], 'alice is not a principal'],
    [
      ['acls', '--add', '--topic', 'x', '--operation', 'Look', '--allow-principal', 'User:a'],
      '--operation Look',
    ],
    [['users', '--delete'], '--delete needs --user.'],
    [['quotas', '--alter', '--user', 'x'], '--alter needs --set or --remove.'],
    [['delete-records'], 'Give --topic or --offset-json-file.'],
    [['features', 'upgrade', '--feature', 'x'], 'expected name=level'],
    [['nothing'], "unknown command 'nothing'"],
  ])('%j', async (words, message) => {
    const ran = await kafkawire(
      ...words,
      ...(words.length > 1 || words[0] !== 'nothing' ? servers : []),
    )
    expect(ran.stderr).toContain(message)
    expect(ran.code).toBe(2)
    expect(ran.stdout).toBe('')
  })

  test('flags of the connection stand before or behind an inner command', async () => {
    for (const words of [
      ['kafka-metadata-quorum', ...servers, 'describe', '--status'],
      ['kafka-metadata-quorum', 'describe', '--status', ...servers],
      ['kafka-features', ...servers, 'describe'],
      ['kafka-transactions', ...servers, 'list'],
      ['kafka-cluster', 'cluster-id', '-b', servers[1]],
    ]) {
      const ran = await kafkawire(...words)
      expect([ran.code, ran.stderr], words.join(' ')).toEqual([0, ''])
    }
    const both = await kafkawire('quorum', ...servers, 'describe', '--json')
    expect(both.objects()).toMatchObject([{ voters: expect.any(Array) }])
  })

  test('brokers or controllers, not both; and only where controllers can do it', async () => {
    const controller = ['--bootstrap-controller', '127.0.0.1:1']
    const both = await kafkawire('quorum', 'describe', ...servers, ...controller)
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('cannot be combined')])
    const properties = ['bootstrap.servers=a:1', 'bootstrap.controllers=a:1'].flatMap((text) => [
      '--command-property',
      text,
    ])
    const inFile = await kafkawire('quorum', 'describe', ...properties)
    expect([inFile.code, inFile.stderr]).toEqual([2, expect.stringContaining('cannot be combined')])
    const none = await kafkawire('topics', '--list', ...controller)
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('unknown option')])
    const execute = await kafkawire('reassign', '--generate', ...controller)
    expect([execute.code, execute.stderr]).toEqual([2, expect.stringContaining('needs brokers')])
    const bad = await kafkawire('acls', '--list', '--bootstrap-controller', 'nowhere')
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining("'bootstrapControllers'")])
  })

  test('no cluster is named', async () => {
    const ran = await kafkawire('topics', '--list')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('Give --bootstrap-server host:port')
  })

  test('no broker answers: exit code 1', async () => {
    const ran = await kafkawire('topics', '--list', '--bootstrap-server', '127.0.0.1:1')
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain('127.0.0.1:1')
  })

  test('properties that are not known are named', async () => {
    const ran = await kafkawire('topics', '--list', '--command-property', 'acs=all', ...servers)
    expect(ran.stderr).toContain('not known and have no effect: acs')
    expect(ran.code).toBe(0)
  })

  test('every command has a summary and --help with examples', async () => {
    const program = await buildProgram([])
    for (const command of program.commands) {
      expect(command.summary() || command.description(), command.name()).not.toBe('')
    }
    const { stdout, code } = await kafkawire('topics', '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('Examples:')
    expect((await kafkawire('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('a topic that does not exist', () => {
  test('produce says so within seconds', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'kafkawire-test-')), 'record')
    writeFileSync(file, 'x')
    const ran = await kafkawire('produce', file, '--topic', 'no-such-topic', ...servers)
    expect(ran.code).toBe(1)
    expect(ran.stderr).toContain('no-such-topic')
    expect(ran.stderr).toContain('1 of 1 records were not written')
  })

  test('consume says so at once, in a group too', async () => {
    for (const flags of [[], ['--group', 'g']]) {
      const ran = await kafkawire('consume', '--topic', 'no-such-topic', ...flags, ...servers)
      expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('"no-such-topic"')])
    }
  })
})

test.each(['localhost', 'localhost:port', ':9092', 'a:1,b'])(
  '--bootstrap-server %s is a usage error',
  async (address) => {
    const ran = await kafkawire('topics', '--list', '--bootstrap-server', address)
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toMatch(/bootstrapServers|host:port/)
  },
)

test.each([
  ['topics', '--describe', '--topic', 'none.*(x|y)'],
  ['offsets', '--topic', 'none.*'],
  ['consume', '--include', 'none.*'],
  ['consume', '--topic', 'orders', '--partition', '9'],
])(
  'what the cluster does not have is a failure, not wrong usage: %s %s %s %s',
  async (...words) => {
    const ran = await kafkawire(...words.filter((word) => word !== undefined), ...servers)
    expect([ran.code, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toMatch(/^Error: .+\n$/)
  },
)
