// Flags that cannot mean what they say where they stand: one that is given twice, and one that has no effect
// on what is to be done, such as `--dry-run` with `--delete`. They are refused before anything is connected.

import type { Command, Option } from 'commander'
import { UsageError } from './failures.ts'

/** What makes a list of the values of a flag that is given several times. */
const repeatable = new Set<unknown>()

/** Marks a parser of values: its flags can be given several times. */
export function asRepeatable<Parse>(parse: Parse): Parse {
  repeatable.add(parse)
  return parse
}

/**
 * Refuses flags that are given twice: the second would silently win. As with Kafka's scripts, which refuse
 * them too. A flag of the connection counts before and behind the name of an inner command.
 */
export function refuseRepeats(commands: Iterable<Command>): void {
  const given = new Set<string>()
  for (const command of commands) {
    for (const option of command.options) {
      if (!takesOneValue(option)) continue
      command.on(`option:${option.name()}`, () => {
        const flag = flagOf(option)
        if (given.has(flag)) throw new UsageError(`${flag} is given twice: it takes one value.`)
        given.add(flag)
      })
    }
  }
}

function takesOneValue({ required, optional, variadic, parseArg }: Option): boolean {
  return (required || optional) && !variadic && !repeatable.has(parseArg)
}

/**
 * Refuses flags without one of those that their help names: `with --create, --alter: ...`.
 * @throws UsageError
 */
export function checkCompanions(command: Command): void {
  for (const option of command.options) {
    if (command.getOptionValueSource(option.attributeName()) !== 'cli') continue
    const companions = companionsOf(option)
    if (companions.length === 0 || companions.some((flag) => isGiven(command, flag))) continue
    throw new UsageError(
      `${flagOf(option)} has no effect here: it goes with ${companions.join(' or ')}.`,
    )
  }
}

/** The flags without which this one has no effect. */
export function companionsOf({ description }: Option): string[] {
  const lists = description.matchAll(/(?:^|; )with (--[\w-]+(?:(?:, | )--[\w-]+)*)/g)
  return [...lists].flatMap(([, list]) => list.split(/,? /))
}

function isGiven(command: Command, flag: string): boolean {
  const option = command.options.find(({ long }) => long === flag)
  if (option === undefined) return false
  const value: unknown = command.getOptionValue(option.attributeName())
  return value !== undefined && value !== false
}

function flagOf(option: Option): string {
  return option.long ?? option.flags
}
