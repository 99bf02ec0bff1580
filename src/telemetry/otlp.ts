// OpenTelemetry's metrics in Protobuf (opentelemetry/proto/metrics/v1/metrics.proto): the few messages that a
// push needs, so that no package has to be installed for it.

/** One value of a metric. */
export interface OtlpPoint {
  readonly attributes: Readonly<Record<string, string>>
  readonly value: number
  /** Since when a sum counts (ms since 1970). */
  readonly startMs: number
}

/** A metric with a value for each set of attributes. */
export interface OtlpMetric {
  readonly name: string
  readonly description: string
  readonly kind: 'counter' | 'gauge'
  readonly points: readonly OtlpPoint[]
}

/** What is measured at one moment. */
export interface OtlpReading {
  /** Attributes of everything in it. */
  readonly resource: Readonly<Record<string, string>>
  readonly metrics: readonly OtlpMetric[]
  /** When it was measured (ms since 1970). */
  readonly timeMs: number
  /** Whether sums count from the last reading, not from the beginning. */
  readonly isDelta: boolean
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const DELTA = 1
const CUMULATIVE = 2

/** A message `MetricsData`. */
export function encodeMetricsData(reading: OtlpReading): Buffer {
  const scope = field(1, field(1, text('kafkawire')))
  const metrics = reading.metrics.map((metric) => field(2, metricOf(metric, reading)))
  const resource = field(1, keyValues(1, reading.resource))
  return field(1, join(resource, field(2, joinAll([scope, ...metrics]))))
}

function metricOf({ name, description, kind, points }: OtlpMetric, reading: OtlpReading): Buffer {
  const data = points.map((point) => field(1, pointOf(point, kind, reading.timeMs)))
  const head = join(field(1, text(name)), field(2, text(description)))
  if (kind === 'gauge') return join(head, field(5, joinAll(data)))
  const temporality = varintField(2, reading.isDelta ? DELTA : CUMULATIVE)
  const isMonotonic = varintField(3, 1)
  return join(head, field(7, joinAll([...data, temporality, isMonotonic])))
}

function pointOf(point: OtlpPoint, kind: OtlpMetric['kind'], timeMs: number): Buffer {
  const times = [fixed64(3, nanos(timeMs))]
  if (kind === 'counter') times.unshift(fixed64(2, nanos(point.startMs)))
  return joinAll([...times, double(4, point.value), keyValues(7, point.attributes)])
}

/** Repeated messages `KeyValue`, whose values are strings. */
function keyValues(number: number, values: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(values).map(([key, value]) =>
    field(number, join(field(1, text(key)), field(2, field(1, text(value))))),
  )
  return joinAll(pairs)
}

function join(...parts: readonly Buffer[]): Buffer {
  return joinAll(parts)
}

/** For lists of any length: a client may have more points of a metric than fit on the stack. */
function joinAll(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts)
}

/** A field of bytes: text, or a message. */
function field(number: number, content: Buffer): Buffer {
  return join(varint(number * 8 + BYTES), varint(content.length), content)
}

function varintField(number: number, value: number): Buffer {
  return join(varint(number * 8 + VARINT), varint(value))
}

function fixed64(number: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return join(varint(number * 8 + FIXED64), bytes)
}

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return join(varint(number * 8 + FIXED64), bytes)
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  while (left > 127) {
    bytes.push((left & 127) | 128)
    left >>>= 7
  }
  bytes.push(left)
  return Buffer.from(bytes)
}

function text(value: string): Buffer {
  return Buffer.from(value)
}

function nanos(ms: number): bigint {
  return BigInt(Math.round(ms)) * 1_000_000n
}
