// Connects with TLS and SASL as the environment says: KAFKA_CA, KAFKA_CERT and KAFKA_KEY name PEM files,
// KAFKA_MECHANISM, KAFKA_USER and KAFKA_PASSWORD say who connects. Without them: no TLS, no SASL.

import { readFileSync } from 'node:fs'
import { Kafka } from 'kafkawire'

const { KAFKA_CA, KAFKA_CERT, KAFKA_KEY, KAFKA_MECHANISM, KAFKA_USER, KAFKA_PASSWORD } = process.env

const file = (name) => (name === undefined ? undefined : readFileSync(name))
const kafka = new Kafka({
  bootstrapServers: process.env.BOOTSTRAP_SERVERS ?? 'localhost:9092',
  clientId: 'example-security',
  ssl: KAFKA_CA && { ca: file(KAFKA_CA), cert: file(KAFKA_CERT), key: file(KAFKA_KEY) },
  sasl: KAFKA_MECHANISM && {
    mechanism: KAFKA_MECHANISM,
    username: KAFKA_USER,
    password: KAFKA_PASSWORD,
  },
})
try {
  const { brokers } = await kafka.metadata()
  console.log(`connected to ${[...brokers.values()].length} broker(s)`)
} finally {
  await kafka.close()
}
