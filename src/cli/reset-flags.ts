// The flags of `--reset-offsets`, which groups and share groups have in common.

import type { Command } from 'commander'
import type { ResetOffset, ResetTarget } from '../admin/reset-offsets.ts'
import type { TopicPartition } from '../types.ts'
import { collect, int64 } from './command.ts'
import { durationMs, instantMs } from './durations.ts'
import { UsageError } from './failures.ts'
import { readInputFile } from './input-files.ts'

export interface ResetFlags {
  topic?: string[]
  allTopics?: boolean
  toEarliest?: boolean
  toLatest?: boolean
  toCurrent?: boolean
  toOffset?: bigint
  toDatetime?: string
  byDuration?: string
  shiftBy?: bigint
  fromFile?: string
  dryRun?: boolean
  execute?: boolean
}

export function addResetFlags(command: Command): void {
  command
    .option(
      '--topic <name[:partitions]>',
      'with --reset-offsets, --delete-offsets: such as orders or orders:0,1,2; can be repeated',
      collect,
    )
    .option('--all-topics', 'with --reset-offsets: every partition that the group has committed')
    .option('--to-earliest', 'with --reset-offsets: to the beginning')
    .option('--to-latest', 'with --reset-offsets: to the end')
    .option('--to-current', 'with --reset-offsets: to what is committed now')
    .option('--to-offset <offset>', 'with --reset-offsets: to this offset', int64)
    .option(
      '--to-datetime <time>',
      'with --reset-offsets: to the first record from then on: 2026-01-31T10:00:00.000',
    )
    .option(
      '--by-duration <duration>',
      'with --reset-offsets: to this long ago, such as PT1H or P1DT12H',
    )
    .option(
      '--shift-by <n>',
      'with --reset-offsets: this many records further, or back if negative',
      int64,
    )
    .option(
      '--from-file <file>',
      'with --reset-offsets: CSV: topic,partition,offset; of several groups: group,topic,...',
    )
    .option('--dry-run', 'with --reset-offsets: show what would be done')
    .option('--execute', 'with --reset-offsets: do it')
}

const targets: readonly (keyof ResetFlags)[] = [
  'toEarliest',
  'toLatest',
  'toCurrent',
  'toOffset',
  'toDatetime',
  'byDuration',
  'shiftBy',
  'fromFile',
]

/** What a reset of one group is given. */
export interface ResetRequest {
  to: ResetTarget
  topics?: string[]
  partitions?: TopicPartition[]
}

/**
 * What the flags ask for.
 * @returns what that is for each of the groups
 * @throws UsageError for flags that cannot be used, and for a file that cannot
 */
export function resetPlan(flags: ResetFlags): (group: string) => ResetRequest {
  if (flags.dryRun && flags.execute) throw new UsageError('Give --dry-run or --execute, not both.')
  const given = targets.filter((name) => flags[name] !== undefined)
  if (given.length !== 1) {
    throw new UsageError(
      'Say where to reset to, by one of --to-earliest, --to-latest, --to-current, --to-offset, --to-datetime, --by-duration, --shift-by, --from-file.',
    )
  }
  const places = (['topic', 'allTopics', 'fromFile'] as const).filter(
    (name) => flags[name] !== undefined,
  )
  if (places.length > 1) {
    throw new UsageError(
      'Give one of --topic, --all-topics and --from-file, which names partitions.',
    )
  }
  if (flags.fromFile !== undefined) return fromFile(flags.fromFile)
  const to = targetOf(flags)
  if (flags.topic !== undefined) {
    const request = { to, ...placesOf(flags.topic) }
    return () => request
  }
  if (flags.allTopics) return () => ({ to })
  throw new UsageError('Say what to reset: --topic <name>, or --all-topics.')
}

/** `orders` is a whole topic, `orders:0,1` are two of its partitions. */
export function placesOf(texts: readonly string[]): Omit<ResetRequest, 'to'> {
  const topics: string[] = []
  const partitions: TopicPartition[] = []
  for (const text of texts) {
    const match = /^([\w.-]+):(\d+(?:,\d+)*)$/.exec(text)
    if (match === null) {
      topics.push(text)
      continue
    }
    for (const number of match[2].split(',')) {
      partitions.push({ topic: match[1], partition: Number(number) })
    }
  }
  return {
    ...(topics.length > 0 ? { topics } : {}),
    ...(partitions.length > 0 ? { partitions } : {}),
  }
}

function targetOf(flags: ResetFlags): ResetTarget {
  if (flags.toEarliest) return 'earliest'
  if (flags.toLatest) return 'latest'
  if (flags.toOffset !== undefined) return { offset: flags.toOffset }
  if (flags.shiftBy !== undefined) return { shiftBy: flags.shiftBy }
  if (flags.toDatetime !== undefined) {
    return { timestamp: instantMs(flags.toDatetime, '--to-datetime') }
  }
  if (flags.byDuration !== undefined) {
    return { durationMs: durationMs(flags.byDuration, '--by-duration') }
  }
  return 'current'
}

interface CsvLine extends ResetOffset {
  /** Null: the line is for whatever group is reset. */
  group: string | null
}

function fromFile(path: string): (group: string) => ResetRequest {
  const lines = parseCsv(readInputFile(path), path)
  return (group) => {
    const offsets = lines
      .filter((line) => line.group === null || line.group === group)
      .map(({ topic, partition, offset }) => ({ topic, partition, offset }))
    if (offsets.length > 0) return { to: { offsets } }
    throw new UsageError(`${path} has no offsets for group ${group}.`)
  }
}

function parseCsv(text: string, path: string): CsvLine[] {
  const offsets: CsvLine[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const fields = [...line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)]
      .map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '')
      .map((field) => field.trim())
    const values = fields.filter((field) => field !== '')
    const [topic, partition, offset] = values.slice(-3)
    const group = values.length === 4 ? values[0] : null
    const isValid = /^\d+$/.test(partition ?? '') && /^\d{1,18}$/.test(offset ?? '')
    if (!isValid || values.length < 3 || values.length > 4) {
      throw new UsageError(
        `${path}, line ${i + 1}: expected topic,partition,offset such as orders,0,1234.`,
      )
    }
    offsets.push({ group, topic, partition: Number(partition), offset: BigInt(offset) })
  }
  if (offsets.length > 0) return offsets
  throw new UsageError(`${path} has no offsets.`)
}
