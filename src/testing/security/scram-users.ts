// SCRAM credentials of users (KIP-554): what clients store with AlterUserScramCredentials.

import { pbkdf2Sync, randomBytes } from 'node:crypto'

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface ScramCredential {
  readonly iterations: number
  readonly salt: Buffer
  readonly saltedPassword: Buffer
}

interface ScramKind {
  /** Kafka's number of the mechanism. */
  readonly id: number
  readonly digest: 'sha256' | 'sha512'
  readonly bytes: number
}

export const scramKinds: Readonly<Record<ScramMechanism, ScramKind>> = {
  'SCRAM-SHA-256': { id: 1, digest: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { id: 2, digest: 'sha512', bytes: 64 },
}

export const MIN_ITERATIONS = 4096
export const MAX_ITERATIONS = 16_384

export function scramMechanismOf(id: number): ScramMechanism | null {
  const found = Object.entries(scramKinds).find(([, kind]) => kind.id === id)
  return found === undefined ? null : (found[0] as ScramMechanism)
}

export class ScramUsers {
  private readonly byUser = new Map<string, Map<ScramMechanism, ScramCredential>>()

  get names(): string[] {
    return [...this.byUser.keys()]
  }

  of(user: string): ReadonlyMap<ScramMechanism, ScramCredential> {
    return this.byUser.get(user) ?? new Map()
  }

  set(user: string, mechanism: ScramMechanism, credential: ScramCredential): void {
    const credentials = this.byUser.get(user) ?? new Map<ScramMechanism, ScramCredential>()
    credentials.set(mechanism, credential)
    this.byUser.set(user, credentials)
  }

  /** Stores a password for both mechanisms. */
  setPassword(user: string, password: string): void {
    for (const mechanism of Object.keys(scramKinds) as ScramMechanism[]) {
      const { digest, bytes } = scramKinds[mechanism]
      const salt = randomBytes(24)
      const saltedPassword = pbkdf2Sync(password, salt, MIN_ITERATIONS, bytes, digest)
      this.set(user, mechanism, { iterations: MIN_ITERATIONS, salt, saltedPassword })
    }
  }

  delete(user: string, mechanism: ScramMechanism): void {
    const credentials = this.byUser.get(user)
    credentials?.delete(mechanism)
    if (credentials?.size === 0) this.byUser.delete(user)
  }
}
