#!/usr/bin/env node
// The command line: arguments in, exit code out. Each command is a file in commands/.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { KafkaError } from '../errors.ts'
import { addBroker } from './commands/broker.ts'
import { addDecode } from './commands/decode.ts'
import { addRoundtrip } from './commands/roundtrip.ts'

const packageJson: unknown = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)

const program = new Command('kafkawire')
  .description('Kafka from the command line')
  .version(String(Reflect.get(Object(packageJson), 'version')), '-V, --version')
  .showHelpAfterError()
addRoundtrip(program)
addDecode(program)
addBroker(program)

program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof KafkaError || isSystemError(error) ? described(error) : error)
  process.exitCode = 1
})

/** What the operating system refused, such as a file that is not there: its message says it all. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}

/** An error and what led to it, without stacks: the person at the terminal did not write this program. */
function described(error: Error): string {
  const lines = [`${error.name}: ${error.message}`]
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    if (!lines[0].includes(cause.message)) lines.push(`  because: ${cause.message}`)
  }
  return lines.join('\n')
}
