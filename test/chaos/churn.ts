// npm run chaos -- churn --protocol X: scenario 36, or that of share groups, by the name of a protocol.

import { main as scenarios } from './main.ts'
import { main as share } from './share.ts'

const protocols: Record<string, readonly string[]> = {
  eager: ['--protocol', 'classic', '--assignor', 'range'],
  cooperative: ['--protocol', 'classic', '--assignor', 'cooperative-sticky'],
  static: ['--protocol', 'classic', '--assignor', 'range', '--static'],
  consumer: ['--protocol', 'consumer'],
}

const usage = `npm run chaos -- churn --protocol NAME [options of npm run chaos]
  --protocol NAME   ${Object.keys(protocols).join(', ')} (KIP-848), share`

/** The exit code. */
export async function main([option, name, ...rest]: string[]): Promise<number> {
  if (option === '--help') {
    console.log(usage)
    return 0
  }
  if (option === '--protocol' && name === 'share') return share(rest)
  const args = protocols[name]
  if (option !== '--protocol' || args === undefined) {
    throw new Error(`churn begins with --protocol and one of the names\n${usage}`)
  }
  return scenarios(['--scenario', '36', ...args, ...rest])
}
