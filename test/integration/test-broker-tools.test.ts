// Kafka's own command line tools on the in-process broker. What works is written into
// docs/guide/testing-your-code.md: `vitest -u` after a change.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeUncompressedBatch } from '../../src/records/encode-batch.ts'
import { TestCluster } from '../../src/testing/test-cluster.ts'
import { classPath } from '../harness/distribution.ts'
import { expectGuideTable } from './guide-table.ts'

const VERSION = '4.4.0'
const PACKAGE = 'org.apache.kafka.tools.'
const GUIDE = 'docs/guide/testing-your-code.md'
const BEGIN = '<!-- tools: written by test/integration/test-broker-tools.test.ts -->'
const END = '<!-- end of tools -->'

interface Tool {
  readonly script: string
  readonly mainClass: string
  /** What is asked of it, what it prints then, in order. */
  readonly runs: readonly (readonly [args: string, prints: RegExp])[]
}

/** `{t}` is a topic of one partition with five records, `{g}` a group. */
const tools: readonly Tool[] = [
  {
    script: 'kafka-topics.sh',
    mainClass: 'TopicCommand',
    runs: [
      ['--create --topic made --partitions 2 --config retention.ms=1000', /Created topic made/],
      ['--describe --topic made', /PartitionCount: 2.*retention\.ms=1000/],
      ['--alter --topic made --partitions 3', /^$/],
      ['--list', /made/],
      ['--delete --topic made', /^$/],
    ],
  },
  {
    script: 'kafka-configs.sh',
    mainClass: 'ConfigCommand',
    runs: [
      ['--alter --topic t --add-config max.message.bytes=5000', /Completed updating/],
      ['--describe --topic t', /max\.message\.bytes=5000.*DEFAULT_CONFIG:message\.max\.bytes/],
      [
        '--alter --entity-type brokers --entity-default --add-config log.retention.ms=9',
        /Completed/,
      ],
      ['--describe --entity-type brokers --entity-name 1 --all', /message\.max\.bytes=1048588/],
      [
        '--alter --entity-type groups --entity-name sg --add-config share.auto.offset.reset=earliest',
        /Completed/,
      ],
      [
        '--alter --entity-type users --entity-name alice --add-config producer_byte_rate=10',
        /Completed/,
      ],
      [
        '--alter --entity-type users --entity-name bob --add-config SCRAM-SHA-256=[password=pw]',
        /Completed/,
      ],
      ['--describe --entity-type users', /alice.*producer_byte_rate=10[\s\S]*bob.*SCRAM-SHA-256/],
    ],
  },
  {
    script: 'kafka-acls.sh',
    mainClass: 'AclCommand',
    runs: [
      ['--add --allow-principal User:alice --operation Read --topic t', /User:alice.*READ/],
      ['--list --topic t', /User:alice.*READ/],
      [
        '--remove --force --allow-principal User:alice --operation Read --topic t',
        /^$|Current ACLs/,
      ],
    ],
  },
  {
    script: 'kafka-console-consumer.sh (KIP-848)',
    mainClass: 'consumer.ConsoleConsumer',
    runs: [
      [
        '--topic t --group g --from-beginning --max-messages 5 --command-property group.protocol=consumer',
        /v4[\s\S]*Processed a total of 5/,
      ],
    ],
  },
  {
    script: 'kafka-console-consumer.sh (classic)',
    mainClass: 'consumer.ConsoleConsumer',
    runs: [
      ['--topic t --group c --from-beginning --max-messages 5', /v4[\s\S]*Processed a total of 5/],
    ],
  },
  {
    script: 'kafka-console-share-consumer.sh',
    mainClass: 'consumer.ConsoleShareConsumer',
    runs: [['--topic t --group sg --max-messages 5', /v4[\s\S]*Processed a total of 5/]],
  },
  {
    script: 'kafka-consumer-groups.sh',
    mainClass: 'consumer.group.ConsumerGroupCommand',
    runs: [
      ['--list --state --type', /g\s+Consumer\s+Empty/],
      ['--describe --group g', /g\s+t\s+0\s+5\s+5\s+0/],
      ['--reset-offsets --group g --to-earliest --topic t --execute', /g\s+t\s+0\s+0/],
      ['--delete-offsets --group c --topic t', /Request succeeded/],
      ['--delete --group c', /was successful/],
    ],
  },
  {
    script: 'kafka-share-groups.sh',
    mainClass: 'consumer.group.ShareGroupCommand',
    runs: [
      ['--describe --group sg', /sg\s+t\s+0\s+5\s+0/],
      ['--reset-offsets --group sg --to-earliest --topic t --execute', /sg\s+t\s+0\s+0/],
      ['--delete --group sg', /was successful/],
    ],
  },
  {
    script: 'kafka-groups.sh',
    mainClass: 'GroupsCommand',
    runs: [['--list', /g\s+Consumer\s+consumer/]],
  },
  {
    script: 'kafka-get-offsets.sh',
    mainClass: 'GetOffsetShell',
    runs: [['--topic t', /t:0:5/]],
  },
  {
    script: 'kafka-log-dirs.sh',
    mainClass: 'LogDirsCommand',
    runs: [['--describe --topic-list t', /"partition":"t-0"/]],
  },
  {
    script: 'kafka-leader-election.sh',
    mainClass: 'LeaderElectionCommand',
    runs: [['--election-type preferred --all-topic-partitions', /^$/]],
  },
  {
    script: 'kafka-metadata-quorum.sh',
    mainClass: 'MetadataQuorumCommand',
    runs: [['describe --status', /LeaderId:\s+1/]],
  },
  {
    script: 'kafka-features.sh',
    mainClass: 'FeatureCommand',
    runs: [['describe', /transaction\.version.*FinalizedVersionLevel: 2/]],
  },
  {
    script: 'kafka-transactions.sh',
    mainClass: 'TransactionsCommand',
    runs: [
      ['list', /TransactionalId/],
      ['describe-producers --topic t --partition 0', /ProducerId/],
    ],
  },
  {
    script: 'kafka-client-metrics.sh',
    mainClass: 'ClientMetricsCommand',
    runs: [
      ['--alter --name m --metrics org.apache --interval 1000', /Altered/],
      ['--describe --name m', /interval\.ms=1000/],
    ],
  },
  {
    script: 'kafka-broker-api-versions.sh',
    mainClass: 'BrokerApiVersionsCommand',
    runs: [['', /ShareFetch\(78\)/]],
  },
]

let cluster: TestCluster
let folder: string
let jars: string

beforeAll(async () => {
  cluster = await TestCluster.start({
    topics: { t: 1 },
    authorizer: { superUsers: ['User:ANONYMOUS'] },
  })
  const now = BigInt(Date.now())
  cluster.partition('t', 0).append(
    encodeUncompressedBatch({
      baseOffset: 0n,
      partitionLeaderEpoch: -1,
      attributes: 0,
      lastOffsetDelta: 4,
      baseTimestamp: now,
      maxTimestamp: now,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      records: [0, 1, 2, 3, 4].map((i) => ({
        timestampDelta: 0n,
        offsetDelta: i,
        key: null,
        value: `v${i}`,
        headers: [],
      })),
    }),
  )
  folder = await mkdtemp(join(tmpdir(), 'kafka-tools-'))
  await writeFile(
    join(folder, 'simplelogger.properties'),
    'org.slf4j.simpleLogger.defaultLogLevel=error\n',
  )
  jars = await classPath(VERSION)
})

afterAll(async () => {
  await cluster.close()
  await rm(folder, { recursive: true })
})

function run(mainClass: string, args: string): Promise<string> {
  const java = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', `${folder}:${jars}`]
  const given = args === '' ? [] : args.split(' ')
  const all = ['--bootstrap-server', cluster.bootstrapServers, ...given]
  return new Promise((resolve) => {
    const options = { timeout: 60_000, cwd: folder }
    execFile('java', [...java, `${PACKAGE}${mainClass}`, ...all], options, (_, out, err) =>
      resolve(`${out}${err}`.trim()),
    )
  })
}

describe.sequential('Kafka’s tools on the in-process broker', () => {
  for (const { script, mainClass, runs } of tools) {
    test(script, { timeout: 240_000 }, async () => {
      for (const [args, prints] of runs) expect(await run(mainClass, args), args).toMatch(prints)
    })
  }

  test('nothing was refused by ending a connection', () => {
    expect(cluster.protocolErrors).toEqual([])
  })

  test('the guide lists them', async () => {
    const rows = tools.map(
      ({ script, runs }) => `| \`${script}\` | ${runs.map(shown).join('; ')} |`,
    )
    const table = ['| tool of Kafka 4.4 | what works |', '| --- | --- |', ...rows]
    await expectGuideTable(GUIDE, BEGIN, END, table)
  })
})

/** The options of a run, without their values. */
function shown([args]: readonly [string, RegExp]): string {
  const names = args.split(' ').filter((each) => /^(--|describe|list)/.test(each))
  return names.length === 0 ? 'all' : `\`${names.slice(0, 3).join(' ')}\``
}
