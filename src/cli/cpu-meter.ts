// CPU time of this process, with the parts left out that are not the client's: making the records and
// checking them.

import { preciseMs } from '../async/clock.ts'

export class CpuMeter {
  private readonly start = process.cpuUsage()
  private readonly startedAt = preciseMs()
  private leftOutMicros = 0

  /** Runs `work`, which belongs to the measuring program and not to the client. */
  leaveOut<T>(work: () => T): T {
    const before = process.cpuUsage()
    const result = work()
    const { user, system } = process.cpuUsage(before)
    this.leftOutMicros += user + system
    return result
  }

  /** What was used since the meter was made. */
  read(): { seconds: number; cpuMicros: number } {
    const { user, system } = process.cpuUsage(this.start)
    return {
      seconds: (preciseMs() - this.startedAt) / 1000,
      cpuMicros: Math.max(0, user + system - this.leftOutMicros),
    }
  }
}
