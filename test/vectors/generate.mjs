// npm run vectors -- --seed N: makes the golden vectors anew with Apache Kafka's own classes, other random
// content for every seed. The generator (generator/README.md) is built by Maven, outside the sources; what
// it wrote is read back by Java and by small JavaScript codecs before it counts.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

const help = `npm run vectors -- --seed N [--seed M ...] [--out FOLDER] [--test]

  --seed N      the same seed gives the same bytes; 1 are those of test/vectors. Default: 1
  --out FOLDER  default: .cache/vectors/seed-N. test/vectors takes them into the project
  --test        run the tests of what is made of vectors against each (environment: KAFKAWIRE_VECTORS)
  --kafka V     a version of kafka-clients, default: that of generator/pom.xml

Needs a JDK 17, Maven and unzip.`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    seed: { type: 'string', multiple: true, default: ['1'] },
    out: { type: 'string' },
    test: { type: 'boolean' },
    kafka: { type: 'string' },
  },
})
if (options.help) {
  console.log(help)
  process.exit(0)
}
if (options.seed.some((seed) => !/^\d{1,18}$/.test(seed))) throw new Error('--seed takes a number')
if (options.out !== undefined && options.seed.length > 1) throw new Error('--out takes one --seed')

const project = resolve(import.meta.dirname, '../..')
const work = join(project, '.cache/vectors')

// The tests that are made of vectors.
const suites = [
  'test/protocol',
  'test/records',
  'test/producer/murmur2',
  'test/consumer/group',
  'test/network/sasl',
  'test/cli/dissect',
]

const build = buildGenerator()
for (const seed of options.seed) {
  const out = resolve(options.out ?? join(work, `seed-${seed}`))
  generate(seed, out)
  if (options.test) {
    console.log(`tests against seed ${seed}`)
    run('npx', ['vitest', 'run', '--project', 'unit', '--passWithNoTests', ...suites], {
      cwd: project,
      env: { ...process.env, KAFKAWIRE_VECTORS: out },
    })
  }
}

function buildGenerator() {
  const folder = join(work, 'generator')
  rmSync(folder, { recursive: true, force: true })
  cpSync(join(import.meta.dirname, 'generator'), folder, { recursive: true })
  const version = options.kafka === undefined ? [] : [`-Dkafka.version=${options.kafka}`]
  run('mvn', ['-q', '-B', ...version, 'package'], { cwd: folder })
  const target = join(folder, 'target')
  const libraries = readdirSync(join(target, 'lib'))
  const clients = libraries.find((name) => name.startsWith('kafka-clients-'))
  run('unzip', [
    '-qo',
    join(target, 'lib', clients),
    'common/message/*.json',
    '-d',
    join(target, 'spec'),
  ])
  return {
    check: join(folder, 'check.mjs'),
    fields: join(folder, 'fields.mjs'),
    definitions: join(target, 'spec/common/message'),
    classPath: [join(target, 'classes'), join(target, 'lib/*')].join(delimiter),
  }
}

function generate(seed, out) {
  const plain = join(work, `plain-${seed}`)
  rmSync(plain, { recursive: true, force: true })
  const java = (...args) =>
    run('java', ['-Xmx1500m', '-XX:+UseSerialGC', '-cp', build.classPath, 'vectors.Main', ...args])
  java('generate', seed, plain, 'plain')
  java('verify', plain)
  run(process.execPath, [build.check, plain, build.definitions])
  const rows = execFileSync(
    process.execPath,
    [build.fields, build.definitions, join(plain, 'apis.json')],
    { maxBuffer: 2 ** 26 },
  )
  writeFileSync(join(plain, 'fields.jsonl'), rows)
  mkdirSync(out, { recursive: true })
  for (const name of readdirSync(plain)) {
    const text = readFileSync(join(plain, name))
    writeFileSync(join(out, `${name}.gz`), gzipSync(text, { level: 9 }))
  }
  rmSync(plain, { recursive: true })
  console.log(`vectors of seed ${seed} are in ${out}`)
}

function run(command, args, settings = {}) {
  execFileSync(command, args, { stdio: 'inherit', ...settings })
}
