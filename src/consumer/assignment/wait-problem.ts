// What the records of a partition wait for although nothing has failed: a deserializer or a codec that has not
// settled, a topic that has not acknowledged a record whose handler failed, a transaction that has not ended, or a
// broker that returns nothing.

import type { Opening } from '../buffer/record-buffer.ts'
import type { FetchPosition } from './fetch-position.ts'
import type { LetterWait } from './letter-waits.ts'
import { StandingProblem } from './standing-problem.ts'

/** What takes less time is not a problem (ms). */
const PATIENCE_MS = 1000
/** The same for transactions, which others may mean to keep open for seconds, and for slow storage (ms). */
const LOG_MS = 10_000

const reasons: Readonly<Record<Opening['what'], string>> = {
  decompression: 'have not been decompressed yet',
  deserializers: 'wait for their deserializer, which has not settled yet',
  'dead letters': 'wait until a dead letter before them is acknowledged',
}

/** null: its records have waited for nothing, or not for long. */
export function waitProblem({
  name,
  buffer,
  letters,
  fetchAt,
}: WaitingPartition): StandingProblem | null {
  const { wait } = buffer
  const letter = letters.oldest
  if (letter !== null) return ifOlder(letterProblem(name, letter), PATIENCE_MS)
  if (wait === null) return ifOlder(fetchAt.openTransaction ?? unreadProblem(name, fetchAt), LOG_MS)
  const reason = `The next records of ${name} ${reasons[wait.what]}`
  return ifOlder(new StandingProblem(reason, null, wait.since), PATIENCE_MS)
}

/** What of a partition is needed. */
interface WaitingPartition {
  readonly name: string
  readonly buffer: { readonly wait: Opening | null }
  readonly letters: { readonly oldest: LetterWait | null }
  readonly fetchAt: Pick<FetchPosition, 'openTransaction' | 'unreadSince' | 'offset' | 'bounds'>
}

function letterProblem(
  name: string,
  { offset, topic, since, reason }: LetterWait,
): StandingProblem {
  const why = reason()
  const text = `${name} waits until topic "${topic}" has acknowledged the record at offset ${offset}, whose handler failed`
  return new StandingProblem(why === null ? text : `${text}: ${why}`, null, since)
}

/** Brokers return nothing where their remote storage takes too long, for example. */
function unreadProblem(
  name: string,
  { unreadSince, offset, bounds }: WaitingPartition['fetchAt'],
): StandingProblem | null {
  if (unreadSince === 0) return null
  const text = `The broker returns no records of ${name} from offset ${offset} on, although its high watermark is ${bounds.highWatermark}`
  return new StandingProblem(text, null, unreadSince)
}

function ifOlder(problem: StandingProblem | null, ms: number): StandingProblem | null {
  return problem !== null && problem.durationMs >= ms ? problem : null
}
