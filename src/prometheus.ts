// kafkawire/prometheus: the metrics of clients for prom-client.

export { type CollectOptions, collectKafkaMetrics } from './adapters/prometheus.ts'
