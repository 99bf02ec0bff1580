// The server's side of one SCRAM exchange (RFC 5802).

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { type ScramCredential, type ScramMechanism, scramKinds } from './scram-users.ts'

/** The next message of the server; `user` is set when the exchange is over and the client proved it. */
export interface ScramStep {
  readonly message: string
  readonly user: string | null
}

export class ScramExchange {
  private readonly mechanism: ScramMechanism
  private readonly find: (user: string) => ScramCredential | undefined
  private first: { user: string; credential: ScramCredential; log: string; nonce: string } | null =
    null

  constructor(mechanism: ScramMechanism, find: (user: string) => ScramCredential | undefined) {
    this.mechanism = mechanism
    this.find = find
  }

  /** Null when the message or the proof is not valid. */
  next(message: string): ScramStep | null {
    return this.first === null ? this.begin(message) : this.finish(message)
  }

  private begin(message: string): ScramStep | null {
    const match = /^[ny],[^,]*,(n=([^,]*),r=([^,]+).*)$/.exec(message)
    if (match === null) return null
    const [, bare, encodedUser, clientNonce] = match
    const user = encodedUser.replaceAll('=2C', ',').replaceAll('=3D', '=')
    const credential = this.find(user)
    if (credential === undefined) return null
    const nonce = `${clientNonce}${randomBytes(18).toString('base64url')}`
    const { salt, iterations } = credential
    const reply = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
    this.first = { user, credential, log: `${bare},${reply}`, nonce }
    return { message: reply, user: null }
  }

  private finish(message: string): ScramStep | null {
    const match = /^(c=[^,]+,r=([^,]+)(?:,[^p][^,]*)*),p=([^,]+)$/.exec(message)
    if (match === null || this.first === null) return null
    const [, withoutProof, nonce, proof] = match
    const { credential, log, user } = this.first
    if (nonce !== this.first.nonce) return null
    const { digest } = scramKinds[this.mechanism]
    const hmac = (key: Buffer, text: string): Buffer =>
      createHmac(digest, key).update(text).digest()
    const clientKey = hmac(credential.saltedPassword, 'Client Key')
    const storedKey = createHash(digest).update(clientKey).digest()
    const signed = `${log},${withoutProof}`
    const signature = hmac(storedKey, signed)
    const given = Buffer.from(proof, 'base64')
    if (given.length !== signature.length) return null
    const expected = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]))
    if (!timingSafeEqual(given, expected)) return null
    const serverKey = hmac(credential.saltedPassword, 'Server Key')
    return { message: `v=${hmac(serverKey, signed).toString('base64')}`, user }
  }
}
