// What a worker says of its own process at its end.

import { monitorEventLoopDelay } from 'node:perf_hooks'

export function watchHealth() {
  const samples = []
  let sockets = 0
  const rejections = []
  process.on('unhandledRejection', (reason) => rejections.push(String(reason?.stack ?? reason)))
  const loop = monitorEventLoopDelay({ resolution: 10 })
  loop.enable()
  const timer = setInterval(() => {
    samples.push(process.memoryUsage().rss)
    const now = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    sockets = Math.max(sockets, now)
  }, 500)
  timer.unref()
  return () => {
    clearInterval(timer)
    loop.disable()
    const mib = (bytes) => Math.round(bytes / 1_048_576)
    // The first seconds bring the code and the first buffers.
    const baseline = samples[Math.min(6, samples.length - 1)] ?? 0
    return {
      rssBaselineMiB: mib(baseline),
      rssEndMiB: mib(samples.at(-1) ?? 0),
      rssMostMiB: mib(Math.max(0, ...samples)),
      sockets,
      loopLateMs: Math.round(loop.max / 1e6),
      unhandledRejections: rejections,
    }
  }
}
