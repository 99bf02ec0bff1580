// `kafkawire broker`: the in-process broker on a port, to try things without a Kafka. Keeps everything
// in memory, and forgets it at the end.

import { type Command, InvalidArgumentError } from 'commander'
import { TestCluster } from '../../testing/test-cluster.ts'
import { asRepeatable } from '../flag-rules.ts'

interface BrokerOptions {
  port: number
  topic: Record<string, number>
}

export function addBroker(program: Command): void {
  program
    .command('broker')
    .description(
      'an in-memory broker to try things with, until Ctrl-C; topics are made when asked for',
    )
    .option('--port <n>', 'where it listens on 127.0.0.1', port, 9092)
    .option('--topic <name:partitions>', 'a topic to begin with; can be repeated', topic, {})
    .action(run)
}

async function run(options: BrokerOptions): Promise<void> {
  const cluster = await TestCluster.start({
    port: options.port,
    topics: options.topic,
    autoCreateTopics: true,
    record: false,
    onProtocolError: ({ message }) => console.error(`refused: ${message}`),
  })
  const stop = (): void => void cluster.close()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  console.log(`listening on ${cluster.bootstrapServers}`)
}

function port(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= 65535) return value
  throw new InvalidArgumentError('It must be a port, 0 for any that is free.')
}

const topic = asRepeatable((text: string, before: Record<string, number>) => {
  const match = /^([\w.-]+):(\d+)$/.exec(text)
  if (match === null || Number(match[2]) < 1) {
    throw new InvalidArgumentError("It must be 'name:partitions', such as orders:6.")
  }
  return { ...before, [match[1]]: Number(match[2]) }
})
