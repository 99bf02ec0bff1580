// The messages of OpenTelemetry's metrics that a push has, for a Protobuf library that knows nothing of ours.

import { create, createFileRegistry, type DescMessage } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'

const types = { string: 9, message: 11, fixed64: 6, double: 1, int32: 5, bool: 8 } as const

type Field = [name: string, number: number, type: keyof typeof types, of?: string]

/** As in opentelemetry/proto/metrics/v1/metrics.proto; `*` before a name: repeated. */
const messages: Record<string, Field[]> = {
  MetricsData: [['*resourceMetrics', 1, 'message', 'ResourceMetrics']],
  ResourceMetrics: [
    ['resource', 1, 'message', 'Resource'],
    ['*scopeMetrics', 2, 'message', 'ScopeMetrics'],
  ],
  Resource: [['*attributes', 1, 'message', 'KeyValue']],
  ScopeMetrics: [
    ['scope', 1, 'message', 'Scope'],
    ['*metrics', 2, 'message', 'Metric'],
  ],
  Scope: [['name', 1, 'string']],
  Metric: [
    ['name', 1, 'string'],
    ['description', 2, 'string'],
    ['gauge', 5, 'message', 'Gauge'],
    ['sum', 7, 'message', 'Sum'],
  ],
  Gauge: [['*dataPoints', 1, 'message', 'Point']],
  Sum: [
    ['*dataPoints', 1, 'message', 'Point'],
    ['aggregationTemporality', 2, 'int32'],
    ['isMonotonic', 3, 'bool'],
  ],
  Point: [
    ['startTimeUnixNano', 2, 'fixed64'],
    ['timeUnixNano', 3, 'fixed64'],
    ['asDouble', 4, 'double'],
    ['*attributes', 7, 'message', 'KeyValue'],
  ],
  KeyValue: [
    ['key', 1, 'string'],
    ['value', 2, 'message', 'AnyValue'],
  ],
  AnyValue: [['stringValue', 1, 'string']],
}

const files = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      {
        name: 'metrics.proto',
        package: 'otlp',
        syntax: 'proto3',
        messageType: Object.entries(messages).map(([name, fields]) => ({
          name,
          field: fields.map(([field, number, type, of]) => ({
            name: field.replace('*', ''),
            number,
            label: field.startsWith('*') ? 3 : 1,
            type: types[type],
            ...(of !== undefined && { typeName: `.otlp.${of}` }),
          })),
        })),
      },
    ],
  } as never),
)

export const metricsDataSchema = files.getMessage('otlp.MetricsData') as DescMessage

export interface DecodedPoint {
  startTimeUnixNano: bigint
  timeUnixNano: bigint
  asDouble: number
  attributes: { key: string; value: { stringValue: string } }[]
}

export interface DecodedMetrics {
  resourceMetrics: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] }
    scopeMetrics: {
      scope: { name: string }
      metrics: {
        name: string
        description: string
        gauge?: { dataPoints: DecodedPoint[] }
        sum?: {
          dataPoints: DecodedPoint[]
          aggregationTemporality: number
          isMonotonic: boolean
        }
      }[]
    }[]
  }[]
}
