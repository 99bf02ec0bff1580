export const factSize: number
export const sent: 1
export const acked: 2
export const failedNo: 3
export const failedMaybe: 4

export function encodeFact(
  to: Buffer,
  at: number,
  kind: number,
  partition: number,
  sequence: number,
  offset: number,
  time: number,
): void
