export const factSize: number
export const sent: 1
export const acked: 2
export const failedNo: 3
export const failedMaybe: 4
export const delivered: 16
export const done: 17
export const assigned: 18
export const revoked: 19
export const lost: 20
export const sought: 21
export const notIntact: 0xffffffff

export function encodeFact(
  to: Buffer,
  at: number,
  kind: number,
  partition: number,
  sequence: number,
  offset: number,
  time: number,
): void
