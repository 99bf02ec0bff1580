// Reports what keeps records from the cluster, or a transaction from its coordinator, while they wait for it:
// no call tells before its time is up, which may be minutes.

import { monotonicMs } from '../../async/clock.ts'
import { KafkaError } from '../../errors.ts'
import type { ProducerProblem } from './produce-problems.ts'

/** What can be wrong. */
export interface WatchedProblems {
  ofCluster(): readonly ProducerProblem[]
  identity(): ProducerProblem | null
  ofTopics(): readonly ProducerProblem[]
  readonly isOutage: boolean
  /** What is wrong with each broker. */
  readonly outageError: KafkaError
}

const LOOK_MS = 1000
/** What lasts longer than this (ms) is reported, */
const PATIENCE_MS = 5000
/** and again after this long, */
const REPEAT_MS = 60_000
/** but only this many problems in that time. */
const REPORTS = 10

export class ProblemWatch {
  private readonly problems: WatchedProblems
  private readonly isIdle: () => boolean
  private readonly onProblem: (error: Error) => void
  /** When each broker, topic or partition was reported, by its name. */
  private readonly reportedAt = new Map<string, number>()
  private timer: NodeJS.Timeout | null = null
  private isClosed = false

  /** @param isIdle whether nothing waits for an outcome */
  constructor(problems: WatchedProblems, isIdle: () => boolean, onProblem: (error: Error) => void) {
    this.problems = problems
    this.isIdle = isIdle
    this.onProblem = onProblem
  }

  /** Something waits from now on. The watch ends by itself when nothing does. */
  begin(): void {
    if (this.timer !== null || this.isClosed) return
    this.timer = setInterval(() => this.look(), LOOK_MS)
    this.timer.unref()
  }

  /** Reports what is due now. */
  look(): void {
    if (this.isIdle()) {
      this.stop()
      return
    }
    const now = monotonicMs()
    for (const [place, at] of this.reportedAt) {
      if (now - at >= REPEAT_MS) this.reportedAt.delete(place)
    }
    const { problems } = this
    // An outage is reported as one, and not broker by broker: nothing else can be told from it.
    const ofCluster = problems.ofCluster().filter(lasts)
    if (problems.isOutage) {
      if (ofCluster.length > 0) this.report(CLUSTER, problems.outageError, now)
      return
    }
    for (const problem of ofCluster) this.report(brokerOf(problem), errorOf(problem), now)
    const identity = problems.identity()
    if (identity !== null && lasts(identity)) this.report('identity', errorOf(identity), now)
    for (const problem of problems.ofTopics().filter(lasts)) {
      this.report(`${problem.topic} ${problem.partition}`, errorOf(problem), now)
    }
  }

  close(): void {
    this.isClosed = true
    this.stop()
  }

  private stop(): void {
    if (this.timer !== null) clearInterval(this.timer)
    this.timer = null
  }

  private report(place: string, error: Error, now: number): void {
    if (this.reportedAt.has(place) || this.reportedAt.size >= REPORTS) return
    this.reportedAt.set(place, now)
    this.onProblem(error)
  }
}

const CLUSTER = 'cluster'

/** Bootstrap addresses are of no broker in particular: what fails there is that metadata cannot be had. */
function brokerOf({ nodeId }: ProducerProblem): string {
  return nodeId === null || nodeId < 0 ? CLUSTER : `node ${nodeId}`
}

function lasts({ durationMs }: ProducerProblem): boolean {
  return durationMs >= PATIENCE_MS
}

function errorOf({ reason, error }: ProducerProblem): Error {
  if (error.message === reason) return error
  return new KafkaError(reason, { cause: error, retriable: true })
}
