// Finds the name of the field at which a message could not be read, after the fact: the message is
// decoded once more by a reader whose failing read returns a marker, and whose later reads return
// defaults. The path at which the marker turns up in the decoded message is the field. Codecs that read
// well pay nothing for it. Of an array in which the first reading failed, only the element that failed is
// decoded, so a refusal costs at most what reading the message once more does, beside the errors themselves.

import type { CodecReader, FailedElement, Reader } from './reader.ts'

const marker = {}
const noBytes = Buffer.alloc(0)

/**
 * Path of the field whose read fails, such as `topics[2].partitions[0].records`; of the array's element
 * where its tag section fails; '' if neither is seen.
 * @param failedElements those of the first reading, the innermost first
 */
export function findFailingField(
  reader: Reader,
  decode: (r: Reader) => unknown,
  failedElements: FailedElement[],
): string {
  try {
    return findMarker(decode(asReader(new FieldFinder(reader, failedElements))), '') ?? ''
  } catch {
    return '' // a codec that computes with what it read may stumble over the marker: no name then
  }
}

type Decode = (r: Reader) => unknown
type OnTag<T> = (tag: number, r: Reader, struct: T) => void

/** Codecs call the methods of a Reader, and a FieldFinder has them all. */
function asReader(finder: FieldFinder): Reader {
  return finder as unknown as Reader
}

/** Has the methods of a Reader, and reads by one. */
class FieldFinder implements Record<keyof CodecReader, unknown> {
  readonly version: number
  readonly flexible: boolean
  private readonly failedElements: FailedElement[]
  private readonly reader: Reader
  private hasFailed = false
  private isTagSection = false

  constructor(reader: Reader, failedElements: FailedElement[]) {
    this.reader = reader
    this.failedElements = failedElements
    this.version = reader.version
    this.flexible = reader.flexible
  }

  get offset(): number {
    return this.reader.offset
  }

  get remaining(): number {
    return this.reader.remaining
  }

  error(problem: string, position?: number): Error {
    return this.reader.error(problem, position)
  }

  bool(): unknown {
    if (this.hasFailed) return false
    try {
      return this.reader.bool()
    } catch {
      return this.fail()
    }
  }

  int8(): unknown {
    if (this.hasFailed) return 0
    try {
      return this.reader.int8()
    } catch {
      return this.fail()
    }
  }

  int16(): unknown {
    if (this.hasFailed) return 0
    try {
      return this.reader.int16()
    } catch {
      return this.fail()
    }
  }

  int32(): unknown {
    if (this.hasFailed) return 0
    try {
      return this.reader.int32()
    } catch {
      return this.fail()
    }
  }

  int64(): unknown {
    if (this.hasFailed) return 0n
    try {
      return this.reader.int64()
    } catch {
      return this.fail()
    }
  }

  string(): unknown {
    if (this.hasFailed) return ''
    try {
      return this.reader.string()
    } catch {
      return this.fail()
    }
  }

  nullableString(): unknown {
    if (this.hasFailed) return null
    try {
      return this.reader.nullableString()
    } catch {
      return this.fail()
    }
  }

  uint16(): unknown {
    return this.attempt(0, (r) => r.uint16())
  }

  uint32(): unknown {
    return this.attempt(0, (r) => r.uint32())
  }

  float64(): unknown {
    return this.attempt(0, (r) => r.float64())
  }

  unsignedVarint(): unknown {
    return this.attempt(0, (r) => r.unsignedVarint())
  }

  varint(): unknown {
    return this.attempt(0, (r) => r.varint())
  }

  unsignedVarlong(): unknown {
    return this.attempt(0n, (r) => r.unsignedVarlong())
  }

  varlong(): unknown {
    return this.attempt(0n, (r) => r.varlong())
  }

  uuid(): unknown {
    return this.attempt('', (r) => r.uuid())
  }

  nonCompactNullableString(): unknown {
    return this.attempt(null, (r) => r.nonCompactNullableString())
  }

  bytes(): unknown {
    return this.attempt(noBytes, (r) => r.bytes())
  }

  nullableBytes(): unknown {
    return this.attempt(null, (r) => r.nullableBytes())
  }

  records(): unknown {
    return this.attempt(null, (r) => r.records())
  }

  int8Array(): unknown {
    return this.attempt([], (r) => r.int8Array())
  }

  int32Array(): unknown {
    return this.attempt([], (r) => r.int32Array())
  }

  nullableInt32Array(): unknown {
    return this.attempt(null, (r) => r.nullableInt32Array())
  }

  int64Array(): unknown {
    return this.attempt([], (r) => r.int64Array())
  }

  stringArray(): unknown {
    return this.attempt([], (r) => r.stringArray())
  }

  nullableStringArray(): unknown {
    return this.attempt(null, (r) => r.nullableStringArray())
  }

  uuidArray(): unknown {
    return this.attempt([], (r) => r.uuidArray())
  }

  nullableUuidArray(): unknown {
    return this.attempt(null, (r) => r.nullableUuidArray())
  }

  array(decode: Decode): unknown {
    return this.hasFailed ? [] : this.readArray(false, decode)
  }

  nullableArray(decode: Decode): unknown {
    return this.hasFailed ? null : this.readArray(true, decode)
  }

  struct(decode: Decode): unknown {
    return this.decodeStruct(decode)
  }

  keepHidden<T>(struct: T): T {
    return struct
  }

  keep<T>(struct: T): T {
    return struct
  }

  nullable(decode: Decode): unknown {
    return this.attempt(null, (r) => r.nullable(() => this.decodeStruct(decode)))
  }

  tags(onTag: (tag: number, r: Reader) => void = () => {}): void {
    this.tagsInto(undefined, onTag)
  }

  tagsInto<T>(struct: T, onTag: OnTag<T>): void {
    if (this.hasFailed || !this.flexible) return
    try {
      this.reader.tags((tag) => {
        if (!this.hasFailed) onTag(tag, asReader(this), struct)
      })
    } catch {
      this.isTagSection = !this.hasFailed
      this.hasFailed = true
    }
  }

  private readArray(isNullable: boolean, decode: Decode): unknown {
    const failed = this.failedElements.at(-1)
    if (failed?.array !== this.reader.offset) return this.passArray(isNullable, decode)
    this.failedElements.pop()
    this.reader.moveTo(failed.element)
    const items: unknown[] = []
    items[failed.index] = this.decodeStruct(decode)
    return items
  }

  /** An array whose elements can all be read, or whose length cannot. */
  private passArray(isNullable: boolean, decode: Decode): unknown {
    try {
      return this.reader.nullableArray(decode) === null && !isNullable ? this.fail() : []
    } catch {
      return this.fail()
    }
  }

  private decodeStruct(decode: Decode): unknown {
    const struct = decode(asReader(this))
    if (!this.isTagSection) return struct
    this.isTagSection = false
    return marker
  }

  private attempt(otherwise: unknown, read: (r: Reader) => unknown): unknown {
    if (this.hasFailed) return otherwise
    try {
      return read(this.reader)
    } catch {
      return this.hasFailed ? otherwise : this.fail()
    }
  }

  private fail(): unknown {
    this.hasFailed = true
    return marker
  }
}

/** Elements of arrays that were read are holes: what is walked is small. */
function findMarker(value: unknown, path: string): string | null {
  if (value === marker) return path
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return null
  for (const [key, child] of Object.entries(value)) {
    const step = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    const found = findMarker(child, step)
    if (found !== null) return found
  }
  return null
}
