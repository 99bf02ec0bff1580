// Why a partition has no leader to send to, by the error code that metadata has for it.

import { codeName, errorCodes } from '../protocol/error-codes.ts'

/** @param name the partition, such as `orders-0` */
export function leaderlessText(name: string, errorCode: number): string {
  const text = `Partition ${name} has no leader`
  if (errorCode === errorCodes.NONE) return text
  const code = `${codeName(errorCode)} [${errorCode}]`
  if (errorCode !== errorCodes.LISTENER_NOT_FOUND) return `${text}: ${code}`
  return `Partition ${name} cannot be reached: ${code}: the leader has no listener of the name that this client connected to. Give every broker the same names in \`advertised.listeners\``
}
