// Ends every run with one plain line, `N passed, N failed, N skipped`, for people and scripts alike.
// It is written as the process exits, so that nothing (a teardown, a late warning) comes after it.

import { writeSync } from 'node:fs'
import type { Reporter, TestModule, TestSuite } from 'vitest/node'

class SummaryLine implements Reporter {
  #line: string | null = null

  onInit(): void {
    process.once('exit', () => {
      if (this.#line !== null) writeSync(1, `${this.#line}\n`)
    })
  }

  onTestRunStart(): void {
    // What stays if the run breaks before it can be counted: that is no success.
    this.#line = summary({ passed: 0, failed: 1, skipped: 0 })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      // A file that does not load, and a hook that throws, have no test case of their own to fail.
      const suites: (TestModule | TestSuite)[] = [module, ...module.children.allSuites()]
      for (const suite of suites) if (suite.errors().length > 0) count.failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        // What is still pending was cut short.
        count[state === 'pending' ? 'failed' : state]++
      }
    }
    this.#line = summary(count)
  }
}

function summary(count: { passed: number; failed: number; skipped: number }): string {
  return `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`
}

// vitest loads a reporter by the default export of its file.
export default SummaryLine
