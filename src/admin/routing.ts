// Where the items of a call go. Leaders and coordinators are looked up for each attempt: an admin call
// is rare, and an address that is a second old costs it more than one more question.

import { BrokerError, type KafkaError } from '../errors.ts'
import { brokerError, type ErrorCodeName, errorCodes } from '../protocol/error-codes.ts'
import { type Coordinator, findCoordinator } from '../protocol/messages/find-coordinator.ts'
import { type MetadataResponse, metadata } from '../protocol/messages/metadata.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { TopicPartition } from '../types.ts'
import type { AdminCall, Batch, ItemResponse } from './engine.ts'
import { itemError } from './item-errors.ts'
import { partitionName } from './names.ts'

type Reject<Item> = (item: Item, error: unknown) => void

const MANY_KEYS_VERSION = 4
const MAX_ROUNDS = 3

/** One Metadata request about these topics; null: all. */
export async function askMetadata(
  call: AdminCall,
  topics: readonly string[] | null,
): Promise<MetadataResponse> {
  const response = await call.send(
    metadata,
    (version) => ({
      // v0 knows no null: an empty list means all topics there.
      topics:
        topics === null
          ? version === 0
            ? []
            : null
          : topics.map((name) => ({ topicId: ZERO_UUID, name })),
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }),
    'any',
  )
  if (response.errorCode === 0) return response
  // Such a response has neither topics nor brokers: it must not be taken for "there are none".
  const error = itemError(response.errorCode, call.title('metadata'))
  call.cluster.requestRefresh(error.message)
  throw error
}

/**
 * Codes of a leader that the route asks about again: one that has just been elected may not know of the
 * topic yet. Metadata without the topic ends the call.
 */
export const leaderRetries: readonly ErrorCodeName[] = ['UNKNOWN_TOPIC_OR_PARTITION']

/** Sends each item to the leader of its partition. Goes with `leaderRetries`. */
export function toLeaders<Item>(partitionOf: (item: Item) => TopicPartition) {
  return async (
    items: readonly Item[],
    call: AdminCall,
    reject: Reject<Item>,
  ): Promise<Batch<Item>[]> => {
    const names = new Set(items.map((item) => partitionOf(item).topic))
    const { topics } = await askMetadata(call, [...names])
    const byName = new Map(
      topics.map(({ name, errorCode, partitions }) => {
        const places = new Map(partitions.map((place) => [place.partitionIndex, place]))
        return [name, { errorCode, places }]
      }),
    )
    const byNode = new Map<number, Item[]>()
    for (const item of items) {
      const { topic, partition } = partitionOf(item)
      const found = byName.get(topic)
      const what = call.title(`"${topic}" partition ${partition}`)
      const place = found?.places.get(partition)
      if (found !== undefined && found.errorCode !== 0) {
        reject(item, itemError(found.errorCode, what))
      } else if (found === undefined || place === undefined) {
        reject(item, itemError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, what))
      } else if (place.leaderId < 0) {
        reject(item, itemError(errorCodes.LEADER_NOT_AVAILABLE, what))
      } else {
        push(byNode, place.leaderId, item)
      }
    }
    return nodeBatches(byNode)
  }
}

/** Sends each item to the coordinator of its group or transactional id. */
export function toCoordinators<Item>(type: 'group' | 'transaction', keyOf: (item: Item) => string) {
  return async (
    items: readonly Item[],
    call: AdminCall,
    reject: Reject<Item>,
  ): Promise<Batch<Item>[]> => {
    const keys = [...new Set(items.map(keyOf))]
    const found = await findCoordinators(call, type, keys)
    const byNode = new Map<number, Item[]>()
    for (const item of items) {
      const key = keyOf(item)
      const coordinator = found.get(key)
      if (coordinator === undefined) {
        reject(item, brokerError(errorCodes.COORDINATOR_NOT_AVAILABLE, call.name))
      } else if (coordinator.errorCode !== 0) {
        const { errorCode, errorMessage } = coordinator
        reject(item, itemError(errorCode, call.title(`${type} "${key}"`), { errorMessage }))
      } else {
        push(byNode, coordinator.nodeId, item)
      }
    }
    return nodeBatches(byNode)
  }
}

/** Sends each item to the broker that it names; null: to any broker. */
export function toNodes<Item>(nodeOf: (item: Item) => number | null) {
  return async (
    items: readonly Item[],
    call: AdminCall,
    reject: Reject<Item>,
  ): Promise<Batch<Item>[]> => {
    const byNode = new Map<number, Item[]>()
    const rest: Item[] = []
    const known = items.some((item) => nodeOf(item) !== null) ? await brokerIds(call) : []
    for (const item of items) {
      const node = nodeOf(item)
      if (node === null) rest.push(item)
      else if (known.includes(node)) push(byNode, node, item)
      else reject(item, noSuchBroker(call, node, known))
    }
    const batches = nodeBatches(byNode)
    if (rest.length > 0) batches.push({ target: 'any', items: rest })
    return batches
  }
}

/** The error for a broker id that no running broker has. */
function noSuchBroker(call: AdminCall, nodeId: number, known: readonly number[]): KafkaError {
  const kind = call.cluster.options.usesControllers ? 'controller' : 'broker'
  return itemError(errorCodes.BROKER_ID_NOT_REGISTERED, call.title(`${kind} ${nodeId}`), {
    errorMessage: `no running ${kind} has this id; running are ${known.join(', ')}`,
  })
}

/** Sends all items to any broker, in one request. */
export function toAny<Item>(items: readonly Item[]): Batch<Item>[] {
  return [{ target: 'any', items }]
}

/** A request for each item alone, all to the same kind of broker as `route` finds. */
export function oneByOne<Item>(
  route: (
    items: readonly Item[],
    call: AdminCall,
    reject: Reject<Item>,
  ) => Promise<readonly Batch<Item>[]> | readonly Batch<Item>[],
) {
  return async (
    items: readonly Item[],
    call: AdminCall,
    reject: Reject<Item>,
  ): Promise<Batch<Item>[]> => {
    const batches = await route(items, call, reject)
    return batches.flatMap(({ target, items }) => items.map((item) => ({ target, items: [item] })))
  }
}

/** As `route`, but no request has the same partition twice, which brokers refuse. */
export function onePerPartition<Item>(
  route: (items: readonly Item[], call: AdminCall, reject: Reject<Item>) => Promise<Batch<Item>[]>,
  partitionOf: (item: Item) => TopicPartition,
) {
  return async (
    items: readonly Item[],
    call: AdminCall,
    reject: Reject<Item>,
  ): Promise<Batch<Item>[]> => {
    const split: Batch<Item>[] = []
    for (const { target, items: together } of await route(items, call, reject)) {
      const rounds: Item[][] = []
      const seen = new Map<string, number>()
      for (const item of together) {
        const name = partitionName(partitionOf(item))
        const round = seen.get(name) ?? 0
        seen.set(name, round + 1)
        rounds[round] ??= []
        rounds[round].push(item)
      }
      for (const items of rounds) split.push({ target, items })
    }
    return split
  }
}

/** The ids of all brokers, as any of them says now; of all controllers, where the client talks to those. */
export async function brokerIds(call: AdminCall): Promise<number[]> {
  if (call.cluster.options.usesControllers) {
    const { brokers } = await call.retry('', () => call.cluster.refresh(call.rest))
    return [...brokers.keys()].sort((a, b) => a - b)
  }
  const { brokers } = await call.retry('', () => askMetadata(call, []))
  return brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b)
}

/**
 * Asks every broker, and again if one left meanwhile: what it had may be at another one by then.
 * @param what names what is asked for, such as `the groups`
 * @throws AdminError with each broker's outcome
 */
export async function askEveryBroker<Value>(
  call: AdminCall,
  what: string,
  ask: (target: Batch<number>['target'], nodeId: number) => Promise<ItemResponse<Value>>,
): Promise<Value[]> {
  for (let attempt = 0; ; attempt++) {
    const results = await call.settle(await brokerIds(call), {
      nameOf: (node) => `${what} of broker ${node}`,
      route: toNodes((node) => node),
      send: async ({ target, items: [node] }) => [await ask(target, node)],
    })
    const hasLeft = results.some(
      ({ error }) =>
        error instanceof BrokerError && error.errorCode === errorCodes.BROKER_ID_NOT_REGISTERED,
    )
    if (!hasLeft || attempt === MAX_ROUNDS) return call.valuesOf(results)
  }
}

/** Brings responses into the order of the items; undefined for an item without one. */
export function inOrderOf<Item, Entry, Value>(
  items: readonly Item[],
  keyOfItem: (item: Item) => string,
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
  toResponse: (entry: Entry) => ItemResponse<Value>,
): (ItemResponse<Value> | undefined)[] {
  const byKey = new Map(entries.map((entry) => [keyOf(entry), entry]))
  return items.map((item) => {
    const entry = byKey.get(keyOfItem(item))
    return entry === undefined ? undefined : toResponse(entry)
  })
}

async function findCoordinators(
  call: AdminCall,
  type: 'group' | 'transaction',
  keys: readonly string[],
): Promise<Map<string, Coordinator>> {
  const keyType = type === 'group' ? 0 : 1
  let takesMany = true
  const [first, ...rest] = keys
  const response = await call.send(
    findCoordinator,
    (version) => {
      takesMany = version >= MANY_KEYS_VERSION
      return takesMany
        ? { key: '', keyType, coordinatorKeys: [...keys] }
        : { key: first, keyType, coordinatorKeys: [] }
    },
    'any',
  )
  if (takesMany) return new Map(response.coordinators.map((found) => [found.key, found]))
  const { nodeId, host, port, errorCode, errorMessage } = response
  const found = new Map([[first, { key: first, nodeId, host, port, errorCode, errorMessage }]])
  if (rest.length > 0) {
    const others = await Promise.all(rest.map((key) => findCoordinators(call, type, [key])))
    for (const other of others) for (const [key, entry] of other) found.set(key, entry)
  }
  return found
}

function push<Item>(byNode: Map<number, Item[]>, nodeId: number, item: Item): void {
  const ofNode = byNode.get(nodeId)
  if (ofNode === undefined) byNode.set(nodeId, [item])
  else ofNode.push(item)
}

function nodeBatches<Item>(byNode: ReadonlyMap<number, readonly Item[]>): Batch<Item>[] {
  return [...byNode].map(([nodeId, items]) => ({ target: { nodeId }, items }))
}
