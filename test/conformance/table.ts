// What was called of which broker, as a table for people.

import { apis } from '../../src/protocol/apis.ts'
import type { Conversation } from './conversation.ts'

const notes = `-: not offered by that broker, or in no common version. Telemetry (71, 72) is offered only by brokers
with a plugin that takes it. An error code beside a version is what the call provokes: nothing to elect,
a feature, broker or voter that does not exist.`

/** One line an API, one column a broker: the versions called, and the error codes of the answer. */
export function conformanceTable(talks: readonly Conversation[]): string {
  const rows = apis.map((api) => {
    const cells = talks.map((talk) => {
      const outcome = talk.outcomes.get(api.name)
      if (outcome === undefined) return talk.isOffered(api) ? 'NOT CALLED' : '-'
      const { version, lowerVersions, errors } = outcome
      const least = Math.min(version, ...lowerVersions)
      const range = least < version ? `v${least}-${version}` : `v${version}`
      return [range, ...errors].join(' ')
    })
    return [`${api.name} (${api.key})`, ...cells]
  })
  const called = talks.map((talk) => `${talk.outcomes.size} of ${apis.length}`)
  const head = ['API', ...talks.map((talk) => talk.kafka)]
  const rule = head.map(() => '---')
  const lines = [head, rule, ...rows, ['called', ...called]].map(
    (cells) => `| ${cells.join(' | ')} |`,
  )
  return `${lines.join('\n')}\n${notes}`
}
