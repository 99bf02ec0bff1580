import { codecImplementations, Kafka, KafkaError, serdes } from 'kafkawire'
import { apis } from 'kafkawire/protocol'
import { TestCluster } from 'kafkawire/testing'

interface Order {
  id: number
  total: number
}

async function main(): Promise<void> {
  const cluster = await TestCluster.start({ topics: { orders: 1 } })
  const kafka = new Kafka({ bootstrapServers: cluster.bootstrapServers })
  const orders = kafka.topic('orders', { key: serdes.string, value: serdes.json<Order>() })
  const consumer = kafka.consumer({ groupId: 'g', topics: [orders], autoOffsetReset: 'earliest' })
  try {
    await kafka.producer().send({ topic: orders, key: 'k', value: { id: 1, total: 2.5 } })
    for await (const record of consumer) {
      const total: number = record.value.total
      const key: string | null = record.key
      console.log(
        `total ${total.toFixed(1)} ${key} ${apis.length > 70} ${codecImplementations().gzip}`,
      )
      break
    }
    // @ts-expect-error: a number is not an order
    await kafka.producer().send({ topic: orders, value: 7 })
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
  } finally {
    await kafka.close()
    await cluster.close()
  }
}

void main()
