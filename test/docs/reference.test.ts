// docs/reference/, and the list of files in docs/internals/architecture.md, say what the sources say.
// `npm run docs` writes them.

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allMetrics } from '../../src/adapters/all-metrics.ts'
import { adminOptionTable } from '../../src/admin/options.ts'
import { consumerOptionTable } from '../../src/consumer/options.ts'
import * as library from '../../src/index.ts'
import { clusterOptionTable } from '../../src/options/kafka-options.ts'
import { producerOptionTable } from '../../src/producer/options.ts'
import { shareConsumerOptionTable } from '../../src/share-consumer/options.ts'
import { adviceByClass, errorDocs, errorPage } from './error-docs.ts'
import { withFileList } from './file-list.ts'
import { read, root } from './files.ts'
import { defaultAgrees, optionDocs, optionPage } from './option-docs.ts'

type Table = Readonly<Record<string, { readonly default: unknown }>>

interface Page {
  readonly page: string
  readonly title: string
  readonly intro: string
  readonly file: string
  readonly name: string
  readonly table: Table
  /** Options of the call that the table does not have: they take more than one form. */
  readonly besides: readonly string[]
}

const pages: readonly Page[] = [
  {
    page: 'kafka-options',
    title: 'Options of `new Kafka(...)`',
    intro: 'They hold for every producer, consumer and admin client that this Kafka creates.',
    file: 'src/options/kafka-options.ts',
    name: 'KafkaOptions',
    table: clusterOptionTable,
    besides: ['bootstrapServers', 'ssl', 'sasl', 'logger'],
  },
  {
    page: 'producer-options',
    title: 'Options of `kafka.producer(...)`',
    intro: 'Names and defaults are those of the Java client, with dots as capital letters.',
    file: 'src/producer/options.ts',
    name: 'ProducerOptions',
    table: producerOptionTable,
    besides: [],
  },
  {
    page: 'consumer-options',
    title: 'Options of `kafka.consumer(...)`',
    intro: 'Names and defaults are those of the Java client, with dots as capital letters.',
    file: 'src/consumer/options.ts',
    name: 'ConsumerOptions',
    table: consumerOptionTable,
    besides: [],
  },
  {
    page: 'share-consumer-options',
    title: 'Options of `kafka.shareConsumer(...)`',
    intro: 'Names and defaults are those of the Java client, with dots as capital letters.',
    file: 'src/share-consumer/options.ts',
    name: 'ShareConsumerOptions',
    table: shareConsumerOptionTable,
    besides: [],
  },
  {
    page: 'admin-options',
    title: 'Options of `kafka.admin(...)`',
    intro: 'Every call of the admin client also takes `timeoutMs` and `signal`.',
    file: 'src/admin/options.ts',
    name: 'AdminOptions',
    table: adminOptionTable,
    besides: [],
  },
]

describe.each(pages)('$page', ({ page, title, intro, file, name, table, besides }) => {
  const docs = optionDocs(file, name)

  test('is what `npm run docs` writes', async () => {
    const text = optionPage(title, intro, docs, table)
    await expect(text).toMatchFileSnapshot(join(root, `docs/reference/${page}.md`))
  })

  test('documents every option, and gives its real default', () => {
    const names = docs.map((doc) => doc.name)
    const checked = [...new Set([...Object.keys(table), ...besides])]
    expect([...names].sort()).toEqual(checked.sort())
    for (const doc of docs) {
      expect(doc.description.length + (doc.documented?.length ?? 0), doc.name).toBeGreaterThan(3)
      const spec = table[doc.name]
      if (spec === undefined) continue
      const given = `${doc.name}: documented ${doc.documented}, is ${String(spec.default)}`
      expect(defaultAgrees(doc, spec.default), given).toBe(true)
    }
  })
})

describe('errors', () => {
  test('is what `npm run docs` writes', async () => {
    await expect(errorPage()).toMatchFileSnapshot(join(root, 'docs/reference/errors.md'))
  })

  test('every class that is exported is there, with advice and its own code', () => {
    const exported = Object.entries(library)
      .filter(([, value]) => typeof value === 'function' && value.prototype instanceof Error)
      .map(([name]) => name)
    const documented = errorDocs().map(({ name }) => name)
    expect(documented.sort()).toEqual(exported.sort())
    expect(Object.keys(adviceByClass).sort()).toEqual(exported.sort())
    const codes = errorDocs().map(({ code }) => code)
    expect(new Set(codes).size).toBe(codes.length)
    for (const { name, when } of errorDocs()) expect(when.length, name).toBeGreaterThan(10)
  })
})

test('docs/reference/metrics.md lists every metric', async () => {
  const intro = `# Metrics

<!-- Written by \`npm run docs\` from the sources. Do not edit. -->

What \`metrics()\` returns ([the guide](../guide/metrics.md)). Names and groups are those of Java's client where it has
the metric, except that Java has those of topics and partitions in \`consumer-fetch-manager-metrics\`, with more tags.
A counter only rises. Rates, averages and greatest values are of the last 30 to 60 seconds.
`
  const heads = allMetrics()
  const groups = [...new Set(heads.map(({ group }) => group))]
  const sections = groups.map((group) => {
    const own = heads.filter((head) => head.group === group)
    const rows = own.map((head) => `| \`${head.name}\` | ${head.kind} | ${head.description} |`)
    return `## ${group}\n\n| metric | kind | |\n| --- | --- | --- |\n${rows.join('\n')}\n`
  })
  const text = `${intro}\n${sections.join('\n')}`
  await expect(text).toMatchFileSnapshot(join(root, 'docs/reference/metrics.md'))
})

test('docs/internals/architecture.md lists every file', async () => {
  const page = 'docs/internals/architecture.md'
  await expect(withFileList(read(page))).toMatchFileSnapshot(join(root, page))
})
