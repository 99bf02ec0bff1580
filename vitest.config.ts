// Three projects. `unit` and `exhaustive` need nothing but Node; `exhaustive` holds what tries thousands of
// cases and so is not in `npm run test:unit`. `integration` runs against real Apache Kafka brokers, one file
// after the other, when the others are done (docs/internals/testing.md).

import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { mutate } from './test/random/mutate.ts'

const exhaustive = [
  'test/compression/codecs.test.ts',
  'test/compression/lz4-module.test.ts',
  'test/consumer/group/churn.test.ts',
  'test/consumer/group/injected-codes.test.ts',
  'test/consumer/offsets/injected-codes.test.ts',
  'test/producer/error-table.test.ts',
  'test/producer/model.test.ts',
  'test/protocol/every-byte.test.ts',
  'test/protocol/every-field.test.ts',
  'test/protocol/hostile-bytes.test.ts',
  'test/protocol/unsupported-fields.test.ts',
  'test/random/*.test.ts',
  'test/records/batch-reader.test.ts',
  'test/records/every-byte.test.ts',
  'test/records/legacy-messages.test.ts',
  'test/records/vectors.test.ts',
  'test/share-consumer/injected-codes.test.ts',
]

const needsNodeOnly = {
  pool: 'forks',
  // Most files wait for sockets and timers rather than for the processor.
  maxWorkers: 6,
  isolate: false,
  // Upper limits only: a CI machine has two cores, and six files share them.
  testTimeout: 60_000,
  hookTimeout: 30_000,
  sequence: { groupOrder: 0 },
} as const

const config: ViteUserConfig = defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    // What the client logs by default: tests make many things fail on purpose.
    onConsoleLog: (log) => !log.startsWith('[kafkawire'),
    projects: [
      {
        test: {
          ...needsNodeOnly,
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', '**/node_modules/**', ...exhaustive],
        },
      },
      {
        // Only while a mutant is tried (npm run test:mutants) is there a plugin.
        plugins: mutate(process.env.RANDOM_MUTANT),
        test: { ...needsNodeOnly, name: 'exhaustive', include: exhaustive },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: ['test/harness/global-setup.ts'],
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})

// vitest reads its configuration from the default export.
export default config
