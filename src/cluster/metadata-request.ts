// The Metadata requests of one question. A request says once, for all of its topics, whether brokers may
// create those that are missing: topics that may be created and topics that may not are asked for apart.

import type { Connection } from '../network/connection.ts'
import { type MetadataResponse, metadata } from '../protocol/messages/metadata.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

export interface MetadataQuestion {
  /** null: all topics of the cluster. */
  readonly topics: ReadonlySet<string> | null
  /** Of these, or besides all topics: those that the broker is to create if they are missing. */
  readonly creatable: ReadonlySet<string>
}

/** In earlier versions the broker decides alone. */
const CREATION_SINCE = 4

/** @throws what the connection throws */
export async function askBroker(
  connection: Connection,
  { topics, creatable }: MetadataQuestion,
  limits: { timeoutMs: number; signal: AbortSignal },
): Promise<MetadataResponse> {
  const version = connection.version(metadata)
  const ask = (names: Iterable<string> | null, mayCreate: boolean): Promise<MetadataResponse> => {
    const body = {
      topics: names === null ? null : Array.from(names, (name) => ({ topicId: ZERO_UUID, name })),
      allowAutoTopicCreation: mayCreate,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    return connection.send(metadata, version, body, limits)
  }
  if (version < CREATION_SINCE) return ask(topics, true)
  if (creatable.size === 0) return ask(topics, false)
  const others = topics === null ? null : [...topics].filter((name) => !creatable.has(name))
  if (others?.length === 0) return ask(creatable, true)
  const [response, created] = await Promise.all([ask(others, false), ask(creatable, true)])
  if (created.errorCode !== 0) return created
  return { ...response, topics: [...response.topics, ...created.topics] }
}
