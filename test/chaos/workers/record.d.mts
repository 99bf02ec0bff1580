/** What a record of the load says of itself. */
export interface RecordName {
  producer: number
  partition: number
  sequence: number
}

export const leastSize: number
export function makeValue(
  producer: number,
  partition: number,
  sequence: number,
  size: number,
): Buffer
export function readValue(value: Buffer | null): RecordName | null
