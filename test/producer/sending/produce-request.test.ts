import { expect, test } from 'vitest'
import type {
  PartitionTopic,
  ProducerBatch,
} from '../../../src/producer/batching/partition-queue.ts'
import { ProduceRequests } from '../../../src/producer/sending/produce-request.ts'
import type { PartitionProduceResponse } from '../../../src/protocol/messages/produce.ts'

const COUNT = 200
const names = Array.from({ length: COUNT }, (_, i) => `topic-${i}`)

/** As far as requests and responses look at it. */
function batchOf(topic: PartitionTopic, partition: number): ProducerBatch {
  return { partition: { topic, partition } } as unknown as ProducerBatch
}

function topicOf(name: string): PartitionTopic {
  return { name, topicId: `id of ${name}` } as PartitionTopic
}

test.each([12, 13])('parts are found in any order, by a look at each (v%i)', (version) => {
  const one = topicOf('one')
  const batches = [
    ...names.map((name) => batchOf(topicOf(name), 0)),
    ...names.map((_, partition) => batchOf(one, partition)),
  ]
  const requests = new ProduceRequests(1, batches, 0)
  let looks = 0
  const part = (index: number): PartitionProduceResponse => {
    return Object.defineProperty({} as PartitionProduceResponse, 'index', {
      get: () => {
        looks++
        return index
      },
    })
  }
  const responses = requests.groups.map(({ topic: { name, topicId }, batches: ofTopic }) => {
    const partitionResponses = ofTopic.map(({ partition }) => part(partition.partition)).reverse()
    const response = { name: '', topicId: '', partitionResponses }
    return Object.defineProperty(response, version < 13 ? 'name' : 'topicId', {
      get: () => {
        looks++
        return version < 13 ? name : topicId
      },
    })
  })
  const matched = requests.match({ responses: responses.reverse() } as never, version)
  expect(looks).toBeLessThan(10 * COUNT)
  expect(matched.map(({ batch }) => batch)).toEqual(batches)
  expect(matched.map(({ part: found }) => found?.index)).toEqual(
    batches.map(({ partition }) => partition.partition),
  )
  const [first] = requests.match({ responses: [] } as never, version)
  expect(first.part).toBeNull()
})
