// Flags and files are checked before a connection is opened: no broker listens at the address that is
// given here, so a command that connected first would fail with exit code 1.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { companionsOf } from '../../src/cli/flag-rules.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { kafkawire } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-flags-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const missing = join(folder, 'not-there')
const text = file('text', 'this is neither JSON nor CSV\n')
const empty = file('empty', '')
const plan = file('plan.json', '{"partitions":[{"topic":"t"}]}')
const forAnotherGroup = file('other.csv', 'other,t,0,5\n')
const badEscape = file('escape.properties', 'client.id=\\u12\n')
const jksStore = file(
  'jks.properties',
  'security.protocol=SSL\nssl.truststore.location=trust.jks\n',
)

test.each([
  [['produce'], /--topic/],
  [['produce', '--topic', 't', missing], /not-there cannot be read: ENOENT/],
  [['produce', '--topic', 't', folder], /cannot be read: it is a directory/],
  [['produce', '--topic', 't', '--request-required-acks', '7'], /expected -1, all, 1 or 0/],
  [['produce', '--topic', 't', '--property', 'parse.kye=true'], /no such property/],
  [['produce', '--topic', 't', '--header', 'x'], /--header x: expected name=value/],
  [['produce', '--topic', 't', '--producer-property', 'linger.ms=-1'], /'lingerMs'/],
  [['produce', '--topic', 't', '--producer-property', 'linger.ms=soon'], /linger.ms=soon/],
  [['produce', '--topic', 'no/topic', text], /no\/topic/],
  [['produce', '--topic', 't', '--producer-config', missing], /not-there cannot be read/],
  [['produce', '--topic', 't', '--request-required-acks', '1', '--sync'], null],
  [['produce', '--topic', 't', '--delimiter', ''], /--delimiter must not be empty/],
  [['produce', '--topic', 't', '--key-delimiter', ''], /key.separator must not be empty/],
  [['consume'], /Give --topic or --include/],
  [['consume', '--topic', 'a', '--topic', 'b'], /--topic is given twice: it takes one value/],
  [['topics', '--delete', '--topic', 'a', '--topic', 'b'], /--topic is given twice/],
  [
    ['configs', '--alter', '--topic', 't', '--add-config', 'a=1', '--add-config', 'b=2'],
    /--add-config is given twice/,
  ],
  [
    ['transactions', '--profile', 'a', 'list', '--profile', 'b'],
    /--profile is given twice: it takes one value/,
  ],
  [['topics', '--delete', '--topic', 't', '--validate-only'], /--validate-only has no effect here/],
  [['groups', '--delete', '--group', 'g', '--dry-run'], /--dry-run has no effect here/],
  [['groups', '--delete', '--group', 'g', '--topic', 't'], /--topic has no effect here/],
  [['acls', '--remove', '--topic', 't', '--principal', 'User:a'], /goes with --list/],
  [['acls', '--remove', '--topic', 't', '--allow-host', '::1'], /goes with --allow-principal/],
  [
    ['acls', '--add', '--allow-principal', 'User:a', '--topic', 't', '--operation', 'constructor'],
    /--operation constructor: expected one of/,
  ],
  [
    [
      ...['acls', '--add', '--allow-principal', 'User:a', '--topic', 't'],
      ...['--producer', '--operation', 'Read'],
    ],
    /leave out --operation/,
  ],
  [['acls', '--add', '--topic', 't', '--operation', ','], /none of them empty/],
  [
    ['configs', '--alter', '--user', 'u', '--add-config', 'SCRAM-SHA-256=[password=x]'].concat(
      '--validate-only',
    ),
    /--validate-only is not for SCRAM credentials/,
  ],
  [
    ['quotas', '--alter', '--user', 'u', '--user-defaults', '--set', 'request_percentage=5'],
    /Give --user or --user-defaults/,
  ],
  [
    ['quotas', '--alter', '--user', 'u', '--set', 'a=5', '--remove', 'a'],
    /a is both set and removed/,
  ],
  [['topics', '--describe', '--topic', 't', '--topic-id', 'x'], /--topic or --topic-id/],
  [['topics', '--create', '--topic', 't', '--replication-factor', '99999'], /from 1 to 32767/],
  [['consume', '--topic', 't', '--offset', 'soon'], /--offset soon: expected earliest/],
  [['consume', '--topic', 't', '--offset', '2100-01-01T00:00:00.000'], /lies in the future/],
  [['consume', '--include', '(', '--group', 'g'], /neither a topic name nor a regular expression/],
  [['consume', '--include', '('], /neither a topic name nor a regular expression/],
  [['consume', '--topic', 'no/topic'], /no\/topic/],
  [['consume', '--topic', 't', '--format', '%x'], /%x is not known/],
  [['consume', '--topic', 't', '--property', 'print.kye=true'], /no such property/],
  [['consume', '--topic', 't', '--value-deserializer', 'Odd'], /deserializer Odd is not known/],
  [['consume', '--topic', 't', '--consumer-property', 'fetch.min.bytes=-5'], /'fetchMinBytes'/],
  [['share-consume', '--topic', 't', '--reject', '--release'], /--reject or --release/],
  [['share-consume', '--topic', 'no/topic'], /no\/topic/],
  [['topics', '--list', '--topic', '('], /neither a topic name nor a regular expression/],
  [['topics', '--describe', '--topic', '('], /neither a topic name nor a regular expression/],
  [['topics', '--create', '--topic', 'no/topic'], /no\/topic/],
  [
    ['topics', '--alter', '--topic', 't', '--partitions', '2', '--replica-assignment', 'x'],
    /--replica-assignment x/,
  ],
  [['offsets', '--time', 'soon'], /--time/],
  [['offsets', '--time', 'constructor'], /--time constructor: expected a time/],
  [['offsets', '--topic', '('], /neither a topic name nor a regular expression/],
  [['offsets', '--topic', 't', '--partitions', 'x'], /--partitions x/],
  [['offsets', '--topic-partitions', 't:x'], /--topic-partitions t:x/],
  [['offsets', '--topic-partitions', '(:1'], /neither a topic name nor a regular expression/],
  [['delete-records', '--offset-json-file', missing], /not-there cannot be read/],
  [['delete-records', '--offset-json-file', text], /is not JSON/],
  [['delete-records', '--offset-json-file', plan], /partition/],
  [['delete-records', '--topic', 't:0'], /expected topic:partition:offset/],
  [['groups', '--describe'], /Say which group/],
  [['groups', '--list', '--state', 'Sleeping'], /--state Sleeping: expected one of/],
  [['groups', '--list', '--type', 'odd'], /--type odd: expected one of/],
  [['groups', '--delete-offsets', '--group', 'g'], /--delete-offsets needs --topic/],
  [['groups', '--delete-offsets', '--all-groups'], /--delete-offsets needs --topic/],
  [['groups', '--reset-offsets', '--all-groups', '--topic', 't'], /Say where to reset to/],
  [['groups', '--reset-offsets', '--all-groups', '--to-latest'], /Say what to reset/],
  [
    ['groups', '--reset-offsets', '--all-groups', '--all-topics', '--by-duration', 'soon'],
    /--by-duration/,
  ],
  [
    [
      ...['groups', '--reset-offsets', '--group', 'g', '--topic', 't'],
      ...['--to-datetime', '2026-02-30T10:00'],
    ],
    /--to-datetime 2026-02-30T10:00: expected a time/,
  ],
  [
    ['groups', '--reset-offsets', '--group', 'g', '--topic', 't', '--all-topics', '--to-latest'],
    /Give one of --topic, --all-topics and --from-file/,
  ],
  [['groups', '--reset-offsets', '--group', 'g', '--from-file', missing], /cannot be read/],
  [['groups', '--reset-offsets', '--group', 'g', '--from-file', text], /line 1: expected topic,/],
  [['groups', '--reset-offsets', '--group', 'g', '--from-file', empty], /has no offsets/],
  [
    ['groups', '--reset-offsets', '--group', 'g', '--from-file', forAnotherGroup],
    /has no offsets for group g/,
  ],
  [['share-groups', '--describe', '--group', 'g', '--all-groups'], /--group or --all-groups/],
  [['share-groups', '--list', '--state', 'Sleeping'], /--state Sleeping: expected one of/],
  [['share-groups', '--reset-offsets', '--all-groups', '--topic', 't'], /Say where to reset to/],
  [['share-groups', '--reset-offsets', '--group', 'g', '--from-file', text], /line 1: expected/],
  [['share-groups', '--delete-offsets', '--all-groups'], /--delete-offsets needs --topic/],
  [
    ['configs', '--alter', '--topic', 't', '--add-config-file', missing],
    /not-there cannot be read/,
  ],
  [['configs', '--alter', '--topic', 't'], /--alter needs --add-config/],
  [['configs', '--alter', '--topic', 't', '--add-config', 'x'], /expected key=value/],
  [
    ['configs', '--alter', '--user', 'u', '--add-config', 'SCRAM-SHA-256=[iterations=8192]'],
    /needs a password/,
  ],
  [
    [
      ...['configs', '--alter', '--user', 'u'],
      ...['--add-config', 'SCRAM-SHA-256=[password=x],producer_byte_rate=much'],
    ],
    /producer_byte_rate=much: expected a number/,
  ],
  [['users', '--set', '--user', 'u', '--password-file', missing], /not-there cannot be read/],
  [['quotas', '--alter', '--user', 'u', '--set', 'producer_byte_rate=x'], /expected a number/],
  [['acls', '--add', '--topic', 't', '--allow-principal', 'alice'], /alice is not a principal/],
  [['acls', '--list', '--topic', 't', '--principal', 'alice'], /alice/],
  [['leader-election', '--topic', 't', '--partition', '0'], /needs --election-type/],
  [
    ['leader-election', '--election-type', 'preferred', '--path-to-json-file', missing],
    /not-there cannot be read/,
  ],
  [
    ['leader-election', '--election-type', 'preferred', '--path-to-json-file', plan],
    /needs a "partition"/,
  ],
  [
    [
      ...['leader-election', '--election-type', 'preferred'],
      ...['--all-topic-partitions', '--partition', '0'],
    ],
    /--partition needs --topic/,
  ],
  [['reassign', '--execute', '--reassignment-json-file', missing], /not-there cannot be read/],
  [['reassign', '--execute', '--reassignment-json-file', plan], /needs a "partition"/],
  [['reassign', '--generate', '--topics-to-move-json-file', text, '--brokers', '1'], /is not JSON/],
  [
    ['reassign', '--generate', '--topics-to-move-json-file', plan, '--brokers', 'x'],
    /expected broker ids/,
  ],
  [['log-dirs', '--describe', '--brokers', 'x'], /expected broker ids/],
  [['log-dirs', '--move', 't:0:1'], /expected topic:partition:broker/],
  [['transactions', 'describe'], /--transactional-id/],
  [['transactions', 'describe-producers', '--topic', 't'], /--partition/],
  [['transactions', 'find-hanging', '--partition', '1'], /--partition needs --topic/],
  [
    ['transactions', 'abort', '--topic', 't', '--partition', '0'],
    /--start-offset or --producer-id/,
  ],
  [['quorum', 'add-controller', '--controller-id', '1'], /--controller-directory-id/],
  [
    [
      ...['quorum', 'add-controller', '--controller-id', '1'],
      ...['--controller-directory-id', 'x', '--endpoint', 'here'],
    ],
    /expected NAME:\/\/host:port/,
  ],
  [
    ['quorum', 'remove-controller', '--controller-id', '1', '--controller-directory-id', 'x'],
    /directory/i,
  ],
  [['features', 'upgrade', '--feature', 'x'], /expected name=level/],
  [['features', 'upgrade'], /Give --feature/],
  [['delegation-tokens', '--renew'], /--hmac/],
  [['delegation-tokens', '--renew', '--hmac', '***'], /--hmac: expected base64/],
  [['delegation-tokens', '--create', '--owner-principal', 'alice'], /alice/],
  [['delegation-tokens', '--create', '--owner-principal', 'User:a,User:b'], /one owner/],
  [['cluster', 'unregister'], /--id/],
  [['dlq', 'list'], /--topic/],
  [['dlq', 'redrive', '--topic', 't', '--to', 'no/topic'], /no\/topic/],
  [['lag-exporter', '--include', '('], /not a regular expression/],
  [['perf', 'produce', '--topic', 't', '--num-records', '1'], /--record-size or --payload-file/],
  [
    ['perf', 'produce', '--topic', 't', '--num-records', '1', '--payload-file', missing],
    /not-there cannot be read/,
  ],
  ...['perf produce --topic t --num-records 1 --record-size', 'roundtrip --size'].map(
    (command): [string[], RegExp] => [
      [...command.split(' '), '99999999999'],
      /Expected a whole number from 1 to 104857600/,
    ],
  ),
  [['perf', 'consume', '--topic', 't'], /--num-records/],
  [['perf', 'latency', '--topic', 't', '--num-records', '1'], /--record-size/],
  [
    [
      ...['perf', 'latency', '--topic', 't', '--num-records', '1', '--record-size', '1'],
      ...['--producer-acks', '5'],
    ],
    /expected all or 1/,
  ],
  [['verifiable-producer'], /--topic/],
  [['verifiable-consumer', '--topic', 't'], /--group-id/],
  [
    ['verifiable-consumer', '--topic', 't', '--group-id', 'g', '--assignment-strategy', 'Odd'],
    /--assignment-strategy Odd: expected one of/,
  ],
  [['roundtrip', '--input', missing], /not-there cannot be read/],
  [['roundtrip', '--input', folder], /it is a directory/],
  [['topics', '--list', '--command-config', missing], /not-there cannot be read/],
  [['topics', '--list', '--command-config', badEscape], /line 1: \\u must be followed/],
  [['topics', '--list', '--command-config', jksStore], /must be PEM/],
  [['topics', '--list', '--command-property', 'request.timeout.ms=soon'], /expected a number/],
  [['topics', '--list', '--command-property', 'acks=constructor'], /acks=constructor: expected/],
  [['topics', '--list', '--command-property', 'security.protocol=SLS'], /expected PLAINTEXT, SSL/],
  [['topics', '--list', '--profile', 'nowhere'], /nowhere/],
] as [string[], RegExp | null][])('%j', async (words, message) => {
  const ran = await kafkawire(...words, '--bootstrap-server', '127.0.0.1:1', ...limits(words))
  if (message === null) return expect(ran.code, ran.stderr).toBe(1)
  expect(ran.stderr).toMatch(message)
  expect([ran.code, ran.stdout]).toEqual([2, ''])
})

/** So that a command that does connect ends soon. */
function limits([name]: readonly string[]): string[] {
  return timed.has(name) ? ['--timeout', '2000'] : []
}

const program = await buildProgram([])
const timed = new Set(
  program.commands
    .filter(({ options }) => options.some(({ long }) => long === '--timeout'))
    .map((command) => command.name())
    .filter((name) => name !== 'produce'),
)

test('with --json, what is wrong with the flags is an object too', async () => {
  for (const flags of [['--nope'], ['--timeout', 'x'], ['--topic']]) {
    const ran = await kafkawire('topics', '--list', '--json', ...flags)
    expect([ran.code, ran.stdout]).toEqual([2, ''])
    expect(JSON.parse(ran.stderr)).toMatchObject({
      error: { name: 'UsageError', message: expect.stringContaining(flags[0]) },
    })
  }
})

test('a command that connects before it has checked its flags would be seen here', async () => {
  const ran = await kafkawire('topics', '--list', '--bootstrap-server', '127.0.0.1:1')
  expect(ran.code).toBe(1)
})

test.each([['doctor'], ['lag-exporter'], ['dlq', 'list'], ['dlq', 'redrive']])(
  '%s %s takes --timeout, as every command that waits for responses',
  async (...words) => {
    const given = words.filter((word) => word !== undefined)
    const ran = await kafkawire(...given, '--timeout', '0')
    expect(ran.stderr).toMatch(/--timeout <ms>.*Expected a whole number from 1/)
  },
)

test('what the help says that a flag goes with is what it needs', async () => {
  const needy = program.commands.flatMap((command) =>
    [command, ...command.commands].flatMap((one) =>
      one.options.map((option) => ({ one, option, companions: companionsOf(option) })),
    ),
  )
  const found = needy.filter(({ companions }) => companions.length > 0)
  expect(found.length).toBeGreaterThan(50)
  for (const { one, companions } of found) {
    const flags = one.options.map(({ long }) => long)
    expect(flags, `${one.name()}: ${companions.join()}`).toEqual(expect.arrayContaining(companions))
  }
})
