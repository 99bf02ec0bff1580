// kafkawire/opentelemetry: spans and metrics by the semantic conventions of messaging.

export {
  type InstrumentOptions,
  instrumentKafka,
  type KafkaInstrumentation,
} from './adapters/opentelemetry.ts'
