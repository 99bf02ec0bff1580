/** What an output of the copy job says of itself. */
export interface Copy {
  life: number
  transaction: number
  value: Buffer
}

export function copyOf(life: number, transaction: number, value: Buffer): Buffer
export function readCopy(value: Buffer | null): Copy | null
