// Side by side: everyday tasks done by Kafka's scripts and by ours, with the same flags. What both print
// is compared as facts, and what both have changed is read back by Kafka's scripts.

import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { classPath } from '../harness/distribution.ts'
import { runScript, scriptClass } from '../harness/kafka-scripts.ts'
import { describeReal, type RealCluster, startCluster } from '../harness/real.ts'
import { commandLine, ensureBuilt } from './build.ts'

interface Ran {
  lines: string[]
  stderr: string
  code: number
}

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-cli-'))
let cluster: RealCluster
let kafka: Kafka

function execute(program: string, args: readonly string[], input: string): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { ...process.env, KAFKAWIRE_BOOTSTRAP_SERVER: cluster.internalServers }
    const child = execFile(program, args, { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code ?? 1)
      resolve({ lines: stdout.split('\n').filter((line) => line !== ''), stderr, code })
    })
    child.stdin?.end(input)
  })
}

/** Our command, as a program: the words after `kafkawire`, with the script's name first. */
function ours(words: readonly string[], input = ''): Promise<Ran> {
  return execute(process.execPath, [commandLine, ...words], input)
}

/** Kafka's script with the same flags. */
async function theirs(words: readonly string[], input?: string): Promise<Ran> {
  const [script, ...args] = words
  if (input !== undefined) {
    const all = ['--bootstrap-server', cluster.internalServers, ...args]
    const jars = await classPath(cluster.version)
    return execute('java', ['-Xmx256m', '-cp', jars, scriptClass(cluster, script), ...all], input)
  }
  try {
    const lines = await runScript(cluster, script, ...args)
    return { lines: lines.filter((line) => line.trim() !== ''), stderr: '', code: 0 }
  } catch (error) {
    return { lines: [], stderr: String(error), code: 1 }
  }
}

/** The rows of our table whose heading begins with `first`. */
function rows(lines: readonly string[], first: string): string[][] {
  const head = lines.findIndex(
    (line) => line.startsWith(first) || line.trimStart().startsWith(first),
  )
  if (head < 0) return []
  return lines.slice(head + 1).map((line) => line.trim().split(/\s{2,}/))
}

/** The rows of a table of Kafka's scripts, whose columns are parted by white space. */
function words(lines: readonly string[], first: string): string[][] {
  const head = lines.findIndex((line) => line.trimStart().startsWith(first))
  return lines.slice(head + 1).map((line) => line.trim().split(/\s+/))
}

const sorted = <T>(facts: readonly T[]): T[] =>
  [...facts].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

interface ReadTask {
  title: string
  words: string[]
  kafka: (lines: string[]) => unknown
  ours: (lines: string[]) => unknown
}

interface WriteTask {
  title: string
  /** `NAME` is another thing for each of the two. */
  words: string[]
  input?: string
  /** Whether both print the same lines, in any order. */
  printsTheSame?: boolean
  readBack: string[]
}

const partitionFacts = (lines: string[]) =>
  lines.flatMap((line) => {
    const match = /Partition: (\d+)\s+Leader: (\S+)\s+Replicas: (\S+)\s+Isr: (\S+)/.exec(line)
    return match === null ? [] : [match.slice(1, 5)]
  })

const aclFacts = (lines: string[]) =>
  sorted(
    lines.flatMap((line) => {
      const match = /principal=(\S+), host=(\S+), operation=(\w+), permissionType=(\w+)/.exec(line)
      return match === null ? [] : [match.slice(1, 5)]
    }),
  )

const reads: ReadTask[] = [
  {
    title: 'list topics',
    words: ['kafka-topics', '--list'],
    kafka: (lines) => sorted(lines),
    ours: (lines) => sorted(lines),
  },
  {
    title: 'list topics, not the internal ones',
    words: ['kafka-topics', '--list', '--exclude-internal'],
    kafka: (lines) => lines,
    ours: (lines) => lines,
  },
  {
    title: 'describe a topic',
    words: ['kafka-topics', '--describe', '--topic', 'seen'],
    kafka: partitionFacts,
    ours: (lines) => rows(lines, 'Partition').map((row) => row.slice(0, 4)),
  },
  {
    title: 'describe a topic: its configs',
    words: ['kafka-topics', '--describe', '--topic', 'seen', '--topics-with-overrides'],
    kafka: (lines) => /Configs: .*(retention\.ms=\d+)/.exec(lines[0])?.[1],
    ours: (lines) => /Configs: .*(retention\.ms=\d+)/.exec(lines[0])?.[1],
  },
  {
    title: 'partitions without a leader: none',
    words: ['kafka-topics', '--describe', '--unavailable-partitions'],
    kafka: (lines) => lines,
    ours: (lines) => lines,
  },
  {
    title: 'configs of a topic',
    words: ['kafka-configs', '--describe', '--topic', 'seen'],
    kafka: (lines) =>
      sorted(lines.slice(1).map((line) => /^\s*(\S+=\S+) sensitive/.exec(line)?.[1])),
    ours: (lines) => sorted(rows(lines, 'Name').map(([name, value]) => `${name}=${value}`)),
  },
  {
    title: 'all configs of a broker',
    words: [
      'kafka-configs',
      '--describe',
      '--entity-type',
      'brokers',
      '--entity-name',
      '1',
      '--all',
    ],
    kafka: (lines) => sorted(lines.slice(1).map((line) => /^\s*([\w.]+)=/.exec(line)?.[1])),
    ours: (lines) => sorted(rows(lines, 'Name').map(([name]) => name)),
  },
  {
    title: 'SCRAM users',
    words: ['kafka-configs', '--describe', '--entity-type', 'users', '--entity-name', 'seen'],
    kafka: (lines) => /SCRAM-SHA-256=iterations=\d+/.exec(lines.join())?.[0],
    ours: (lines) => /SCRAM-SHA-256=iterations=\d+/.exec(lines.join())?.[0],
  },
  {
    title: 'ACLs of a topic',
    words: ['kafka-acls', '--list', '--topic', 'seen'],
    kafka: aclFacts,
    ours: (lines) => sorted(rows(lines, 'RESOURCE').map((row) => row.slice(3))),
  },
  {
    title: 'list groups',
    words: ['kafka-consumer-groups', '--list'],
    kafka: (lines) => sorted(lines),
    ours: (lines) => sorted(lines),
  },
  {
    title: 'lag of a group',
    words: ['kafka-consumer-groups', '--describe', '--group', 'seen'],
    kafka: (lines) => sorted(words(lines, 'GROUP').map((row) => row.slice(1, 6))),
    ours: (lines) => sorted(rows(lines, 'TOPIC').map((row) => row.slice(0, 5))),
  },
  {
    title: 'state of a group',
    words: ['kafka-consumer-groups', '--describe', '--group', 'seen', '--state'],
    kafka: (lines) => words(lines, 'GROUP').map((row) => [row[0], row[1], row.at(-2), row.at(-1)]),
    ours: (lines) =>
      rows(lines, 'GROUP').map((row) => [row[0], row[2].split(' ')[0], row.at(-2), row.at(-1)]),
  },
  {
    title: 'what a reset would do',
    words: [
      'kafka-consumer-groups',
      '--reset-offsets',
      '--group',
      'seen',
      '--topic',
      'seen',
      '--shift-by',
      '-1',
      '--dry-run',
    ],
    kafka: (lines) =>
      sorted(words(lines, 'GROUP').map((row) => [row[0], row[1], row[2], row.at(-1)])),
    ours: (lines) =>
      sorted(rows(lines, 'GROUP').map((row) => [row[0], row[1], row[2], row.at(-1)])),
  },
  {
    title: 'end offsets',
    words: ['kafka-get-offsets', '--topic', 'seen'],
    kafka: (lines) => sorted(lines),
    ours: (lines) => sorted(lines),
  },
  {
    title: 'first offsets',
    words: ['kafka-get-offsets', '--topic', 'seen', '--time', 'earliest'],
    kafka: (lines) => sorted(lines),
    ours: (lines) => sorted(lines),
  },
  {
    title: 'the features',
    words: ['kafka-features', 'describe'],
    kafka: (lines) =>
      sorted(
        lines.flatMap((line) => {
          const match =
            /Feature: (\S+)\s+SupportedMinVersion: \S+\s+SupportedMaxVersion: \S+\s+FinalizedVersionLevel: (\S+)/.exec(
              line,
            )
          return match === null ? [] : [match[1]]
        }),
      ),
    ours: (lines) => sorted(rows(lines, 'Feature').map(([name]) => name)),
  },
  {
    title: 'the id of the cluster',
    words: ['kafka-cluster', 'cluster-id'],
    kafka: (lines) => lines,
    ours: (lines) => lines,
  },
  {
    title: 'the quorum',
    words: ['kafka-metadata-quorum', 'describe', '--status'],
    kafka: (lines) => lines.flatMap((line) => /^LeaderId:\s+(\d+)/.exec(line)?.[1] ?? []),
    ours: (lines) => lines.flatMap((line) => /^LeaderId:\s+(\d+)/.exec(line)?.[1] ?? []),
  },
  {
    title: 'the quorum, as a controller describes it',
    words: [
      'kafka-metadata-quorum',
      '--bootstrap-controller',
      'CONTROLLER',
      'describe',
      '--replication',
    ],
    kafka: (lines) => sorted(words(lines, 'NodeId').map((row) => [row[0], row.at(-1)])),
    ours: (lines) => sorted(rows(lines, 'NodeId').map((row) => [row[0], row.at(-1)])),
  },
  {
    title: 'the controllers',
    words: ['kafka-cluster', 'list-endpoints', '--bootstrap-controller', 'CONTROLLER'],
    kafka: (lines) => sorted(words(lines, 'ID').map((row) => row.slice(0, 3))),
    ours: (lines) => sorted(rows(lines, 'ID').map((row) => row.slice(0, 3))),
  },
  {
    title: 'ACLs, as a controller has them',
    words: ['kafka-acls', '--bootstrap-controller', 'CONTROLLER', '--list', '--topic', 'seen'],
    kafka: aclFacts,
    ours: (lines) => sorted(rows(lines, 'RESOURCE').map((row) => row.slice(3))),
  },
  {
    title: 'all configs of a controller',
    words: [
      'kafka-configs',
      '--bootstrap-controller',
      'CONTROLLER',
      '--describe',
      '--entity-type',
      'brokers',
      '--entity-name',
      '1',
      '--all',
    ],
    kafka: (lines) => sorted(lines.slice(1).map((line) => /^\s*([\w.]+)=/.exec(line)?.[1])),
    ours: (lines) => sorted(rows(lines, 'Name').map(([name]) => name)),
  },
  {
    title: 'the log directories',
    words: ['kafka-log-dirs', '--describe', '--topic-list', 'seen'],
    kafka: (lines) => {
      const { brokers } = JSON.parse(lines.at(-1) ?? '') as {
        brokers: { broker: number; logDirs: { partitions: { partition: string }[] }[] }[]
      }
      return sorted(
        brokers.flatMap(({ broker, logDirs }) =>
          logDirs.flatMap(({ partitions }) =>
            partitions.map(({ partition }) => `${broker} ${partition}`),
          ),
        ),
      )
    },
    ours: (lines) =>
      sorted(
        rows(lines, 'BROKER').map(
          ([broker, topic, partition]) => `${broker} ${topic}-${partition}`,
        ),
      ),
  },
  {
    title: 'records from the beginning',
    words: ['kafka-console-consumer', '--topic', 'seen', '--from-beginning', '--max-messages', '4'],
    kafka: (lines) => sorted(lines),
    ours: (lines) => sorted(lines),
  },
  {
    title: 'records with everything about them',
    words: [
      'kafka-console-consumer',
      '--topic',
      'seen',
      '--partition',
      '0',
      '--offset',
      '0',
      '--max-messages',
      '2',
      ...[
        'print.key',
        'print.headers',
        'print.timestamp',
        'print.offset',
        'print.partition',
      ].flatMap((name) => ['--formatter-property', `${name}=true`]),
      '--formatter-property',
      'key.separator=|',
    ],
    kafka: (lines) => lines,
    ours: (lines) => lines,
  },
]

const writes: WriteTask[] = [
  {
    title: 'create a topic',
    words: [
      'kafka-topics',
      '--create',
      '--topic',
      'NAME-a',
      '--partitions',
      '2',
      '--replication-factor',
      '2',
      '--config',
      'retention.ms=99999',
    ],
    readBack: ['kafka-configs', '--describe', '--topic', 'NAME-a'],
  },
  {
    title: 'create it again, if it is not there',
    words: [
      'kafka-topics',
      '--create',
      '--topic',
      'NAME-a',
      '--if-not-exists',
      '--partitions',
      '7',
    ],
    readBack: ['kafka-topics', '--list', '--topic', 'NAME-a'],
  },
  {
    title: 'add partitions',
    words: ['kafka-topics', '--alter', '--topic', 'NAME-a', '--partitions', '5'],
    readBack: ['kafka-get-offsets', '--topic', 'NAME-a'],
  },
  {
    title: 'write lines',
    words: ['kafka-console-producer', '--topic', 'NAME-a'],
    input: 'one\ntwo\nthree\n',
    readBack: [
      'kafka-console-consumer',
      '--topic',
      'NAME-a',
      '--from-beginning',
      '--max-messages',
      '3',
    ],
  },
  {
    title: 'write keys and values',
    words: [
      'kafka-console-producer',
      '--topic',
      'NAME-k',
      '--reader-property',
      'parse.key=true',
      '--reader-property',
      'key.separator=:',
    ],
    input: 'a:1\nb:2\n',
    readBack: [
      'kafka-console-consumer',
      '--topic',
      'NAME-k',
      '--from-beginning',
      '--max-messages',
      '2',
      '--formatter-property',
      'print.key=true',
      '--formatter-property',
      'print.partition=true',
    ],
  },
  {
    title: 'delete records',
    words: ['kafka-delete-records', '--offset-json-file', join(folder, 'NAME.json')],
    readBack: ['kafka-get-offsets', '--topic', 'NAME-k', '--time', 'earliest'],
  },
  {
    title: 'set configs of a topic, lists too',
    words: [
      'kafka-configs',
      '--alter',
      '--topic',
      'NAME-a',
      '--add-config',
      'retention.ms=5,cleanup.policy=[compact,delete]',
    ],
    readBack: ['kafka-configs', '--describe', '--topic', 'NAME-a'],
  },
  {
    title: 'put a config back to its default',
    words: ['kafka-configs', '--alter', '--topic', 'NAME-a', '--delete-config', 'retention.ms'],
    readBack: ['kafka-configs', '--describe', '--topic', 'NAME-a'],
  },
  {
    title: 'set a quota',
    words: [
      'kafka-configs',
      '--alter',
      '--entity-type',
      'users',
      '--entity-name',
      'NAME',
      '--entity-type',
      'clients',
      '--entity-default',
      '--add-config',
      'producer_byte_rate=1024',
    ],
    readBack: [
      'kafka-configs',
      '--describe',
      '--entity-type',
      'users',
      '--entity-name',
      'NAME',
      '--entity-type',
      'clients',
      '--entity-default',
    ],
  },
  {
    title: 'set a SCRAM password',
    words: [
      'kafka-configs',
      '--alter',
      '--entity-type',
      'users',
      '--entity-name',
      'NAME',
      '--add-config',
      'SCRAM-SHA-512=[iterations=8192,password=pw]',
    ],
    readBack: ['kafka-configs', '--describe', '--entity-type', 'users', '--entity-name', 'NAME'],
  },
  {
    title: 'let a user consume',
    words: [
      'kafka-acls',
      '--add',
      '--allow-principal',
      'User:NAME',
      '--consumer',
      '--topic',
      'NAME-a',
      '--group',
      'NAME-',
      '--resource-pattern-type',
      'prefixed',
    ],
    readBack: ['kafka-acls', '--list', '--principal', 'User:NAME'],
  },
  {
    title: 'let a user produce, and deny a host',
    words: [
      'kafka-acls',
      '--add',
      '--allow-principal',
      'User:NAME',
      '--deny-principal',
      'User:NAME',
      '--deny-host',
      '10.0.0.1',
      '--operation',
      'Write',
      '--topic',
      'NAME-a',
    ],
    readBack: ['kafka-acls', '--list', '--principal', 'User:NAME'],
  },
  {
    title: 'remove ACLs',
    words: [
      'kafka-acls',
      '--remove',
      '--allow-principal',
      'User:NAME',
      '--operation',
      'Write',
      '--topic',
      'NAME-a',
      '--force',
    ],
    readBack: ['kafka-acls', '--list', '--principal', 'User:NAME'],
  },
  {
    title: 'reset a group to the beginning',
    words: [
      'kafka-consumer-groups',
      '--reset-offsets',
      '--group',
      'NAME',
      '--topic',
      'seen',
      '--to-earliest',
      '--execute',
    ],
    readBack: ['kafka-consumer-groups', '--describe', '--group', 'NAME', '--offsets'],
  },
  {
    title: 'reset one partition to an offset beyond the end',
    words: [
      'kafka-consumer-groups',
      '--reset-offsets',
      '--group',
      'NAME',
      '--topic',
      'seen:0',
      '--to-offset',
      '9999',
      '--execute',
    ],
    readBack: ['kafka-consumer-groups', '--describe', '--group', 'NAME', '--offsets'],
  },
  {
    title: 'delete the offsets of a topic',
    words: ['kafka-consumer-groups', '--delete-offsets', '--group', 'NAME', '--topic', 'seen'],
    readBack: ['kafka-consumer-groups', '--list'],
  },
  {
    title: 'take the records of a share group',
    words: [
      'kafka-console-share-consumer',
      '--topic',
      'seen',
      '--group',
      'NAME-share',
      '--max-messages',
      '4',
      '--formatter-property',
      'print.key=true',
      '--formatter-property',
      'print.partition=true',
    ],
    printsTheSame: true,
    readBack: ['kafka-share-groups', '--list'],
  },
  {
    title: 'elect preferred leaders',
    words: [
      'kafka-leader-election',
      '--election-type',
      'preferred',
      '--topic',
      'NAME-a',
      '--partition',
      '0',
    ],
    readBack: ['kafka-topics', '--list', '--topic', 'NAME-a'],
  },
  {
    title: 'delete a topic',
    words: ['kafka-topics', '--delete', '--topic', 'NAME-a'],
    readBack: ['kafka-topics', '--list', '--topic', 'NAME-a'],
  },
]

/** Both fail, and ours says why in one sentence on standard error. */
const refusals: [string, string[], RegExp][] = [
  [
    'create a topic that exists',
    ['kafka-topics', '--create', '--topic', 'seen'],
    /topic "seen".*TOPIC_ALREADY_EXISTS/,
  ],
  [
    'fewer partitions',
    ['kafka-topics', '--alter', '--topic', 'seen', '--partitions', '1'],
    /topic "seen".*INVALID_PARTITIONS/,
  ],
  [
    'delete a topic that does not exist',
    ['kafka-topics', '--delete', '--topic', 'nope'],
    /topic "nope".*UNKNOWN_TOPIC_OR_PARTITION/,
  ],
  [
    'an unknown config',
    ['kafka-configs', '--alter', '--topic', 'seen', '--add-config', 'no.such=1'],
    /topic "seen".*INVALID_CONFIG/,
  ],
  [
    'a group that does not exist',
    ['kafka-consumer-groups', '--delete', '--group', 'nope'],
    /group "nope".*GROUP_ID_NOT_FOUND/,
  ],
]

describeReal('Kafka’s scripts and ours', () => {
  beforeAll(async () => {
    await ensureBuilt()
    cluster = await startCluster({
      version: '4.4.0',
      nodes: 3,
      scramUsers: ['SCRAM-SHA-256=[name=seen,password=secret,iterations=8192]'],
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS',
      },
    })
    kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
    const admin = kafka.admin()
    await admin.createTopics(
      [
        {
          topic: 'seen',
          numPartitions: 2,
          replicationFactor: 3,
          configs: { 'retention.ms': 12345678 },
        },
        ...['kkk0-k', 'www0-k'].map((topic) => ({ topic, numPartitions: 2, replicationFactor: 1 })),
      ],
      { waitUntilReady: true },
    )
    const producer = kafka.producer()
    await producer.sendBatch(
      [0, 1, 0, 1].map((partition, i) => ({
        topic: 'seen',
        partition,
        key: i < 2 ? `k${i}` : null,
        value: `v${i}`,
        ...(i === 0 ? { headers: { h: 'x' } } : {}),
      })),
    )
    await producer.close()
    await admin.alterConsumerGroupOffsets('seen', [
      { topic: 'seen', partition: 0, offset: 1n },
      { topic: 'seen', partition: 1, offset: 2n },
    ])
    const fromTheStart = [{ name: 'share.auto.offset.reset', value: 'earliest' }]
    await admin.incrementalAlterConfigs(
      ['kkk0-share', 'www0-share'].map((name) => ({
        type: 'GROUP' as const,
        name,
        configs: fromTheStart,
      })),
    )
    await admin.createAcls([
      { resourceType: 'TOPIC', resourceName: 'seen', principal: 'User:a', operation: 'READ' },
      {
        resourceType: 'TOPIC',
        resourceName: 'seen',
        principal: 'User:b',
        operation: 'ALL',
        permissionType: 'DENY',
        host: '10.0.0.1',
      },
    ])
    for (const name of ['kkk0', 'www0']) {
      const partitions = [{ topic: `${name}-k`, partition: 0, offset: 1 }]
      writeFileSync(join(folder, `${name}.json`), JSON.stringify({ version: 1, partitions }))
    }
  })
  afterAll(async () => {
    await kafka?.close()
    await cluster?.stop()
  })

  test('there are thirty tasks and more', () => {
    expect(reads.length + writes.length).toBeGreaterThanOrEqual(30)
  })

  describe('print the same', () => {
    test.each(reads)('$title', async ({ words, kafka, ours: read }) => {
      const { host, port } = cluster.controllerOf(1)
      const given = words.map((word) => (word === 'CONTROLLER' ? `${host}:${port}` : word))
      const [their, our] = [await theirs(given), await ours(given)]
      expect(our, our.stderr).toMatchObject({ code: 0 })
      expect(read(our.lines)).toEqual(kafka(their.lines))
    })
  })

  describe('change the same', () => {
    test.each(writes)('$title', async ({ words, input, readBack, printsTheSame = false }) => {
      const named = (list: readonly string[], name: string) =>
        list.map((word) => word.replaceAll('NAME', name))
      const [their, our] = [
        await theirs(named(words, 'kkk0'), input),
        await ours(named(words, 'www0'), input),
      ]
      expect([our.code, our.stderr], their.stderr).toEqual([
        0,
        expect.not.stringContaining('Error'),
      ])
      expect(their.code, their.stderr).toBe(0)
      if (printsTheSame) expect(sorted(our.lines)).toEqual(sorted(their.lines))
      const backs = []
      for (const name of ['kkk0', 'www0']) {
        const { lines } = await theirs(named(readBack, name))
        const bare = lines.map((line) => line.replaceAll(name, 'NAME').replaceAll(/\s+/g, ' '))
        backs.push(sorted(bare.filter((line) => !/kkk0|www0/.test(line))))
      }
      expect(backs[1]).toEqual(backs[0])
    })
  })

  describe('refuse the same', () => {
    test.each(refusals)('%s', async (_, words, message) => {
      const [their, our] = [await theirs(words), await ours(words)]
      expect(our.code).toBe(1)
      expect(our.stderr.trim().split('\n')).toHaveLength(1)
      expect(our.stderr).toMatch(message)
      // kafka-consumer-groups prints what failed, and ends well.
      if (words[0] !== 'kafka-consumer-groups') expect(their.code).not.toBe(0)
    })
  })
})
