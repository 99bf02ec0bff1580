// One connection of a client through a proxy, and the one to the broker behind it. They end together.

import { connect, type Socket } from 'node:net'
import type { Address } from '../harness/probe.ts'
import { Frames, type RequestFrame, toRequest } from './frames.ts'
import type { ProxyRules } from './proxy.ts'

interface Owner {
  readonly rules: ProxyRules
  sendLate(bytes: Buffer, afterMs: number): void
}

/** A request whose answer the client still waits for. */
interface Waiting {
  request: RequestFrame
  /** Whether the broker owes an answer. */
  isOwed: boolean
  eatsAnswer: boolean
  /** The proxy's own answer, given in place of the broker's. */
  own: Buffer | null
  /** What the client gets, once it is there. */
  ready: Buffer | null
}

export class ProxyConnection {
  onEnd: () => void = () => {}
  readonly #client: Socket
  readonly #broker: Socket
  readonly #owner: Owner
  readonly #fromClient = new Frames()
  readonly #fromBroker = new Frames()
  readonly #waiting: Waiting[] = []
  readonly #drips: { [side in 'client' | 'broker']?: Drip } = {}
  #lifetime: NodeJS.Timeout | undefined
  #isSilent = false
  #isMute = false
  #isCut = false
  #hasEnded = false

  constructor(client: Socket, broker: Address, owner: Owner) {
    this.#client = client
    this.#broker = connect({ ...broker, noDelay: true })
    this.#owner = owner
    client.on('data', (chunk) => {
      if (this.#isSilent || this.#isCut) return
      for (const frame of this.#fromClient.push(chunk)) this.#request(toRequest(frame))
    })
    this.#broker.on('data', (chunk) => {
      if (this.#isSilent || this.#isCut) return
      for (const frame of this.#fromBroker.push(chunk)) this.#answer(frame)
    })
    for (const socket of [client, this.#broker]) {
      // A reset by either side: 'close' follows.
      socket.on('error', () => {})
    }
    client.on('close', () => this.#end(false))
    this.#broker.on('close', (hadError) => {
      // The client of a silent connection must not learn that its broker has gone.
      if (!this.#isSilent) this.#end(hadError)
    })
  }

  silence(): void {
    this.#isSilent = true
  }

  reset(): void {
    this.#end(true)
  }

  endAfter(ms: number): void {
    this.#lifetime = setTimeout(() => this.#end(ms % 2 < 1), ms)
  }

  #request(request: RequestFrame): void {
    const verdict = this.#owner.rules.onRequest?.(request) ?? { do: 'forward' }
    if (this.#isCut) return
    if (verdict.do === 'cut') {
      this.#isCut = true
      // The rest of the connection waits until the kernel has what the broker shall see.
      this.#broker.write(request.bytes.subarray(0, verdict.bytes), () => this.reset())
      return
    }
    if (verdict.do === 'late') {
      this.#owner.sendLate(request.bytes, verdict.afterMs)
      this.reset()
      return
    }
    if (verdict.do === 'mute' || verdict.do === 'lose') this.#isMute = true
    if (verdict.do === 'lose') return
    const own = verdict.do === 'answer' ? verdict.answer : null
    const isOwed = verdict.do !== 'answer' || verdict.forward
    const eatsAnswer = verdict.do === 'eatAnswer'
    const waiting: Waiting = { request, isOwed, eatsAnswer, own, ready: null }
    this.#waiting.push(waiting)
    if (isOwed) {
      this.#write('broker', request.bytes)
      return
    }
    const give = (): void => {
      waiting.ready = own
      this.#giveReady()
    }
    // Timers of a connection that has ended find nobody to write to.
    const delayMs = verdict.do === 'answer' ? (verdict.delayMs ?? 0) : 0
    if (delayMs > 0) setTimeout(give, delayMs)
    else give()
  }

  #answer(frame: Buffer): void {
    const waiting = this.#waiting.find(({ isOwed }) => isOwed)
    if (waiting === undefined) throw new Error('an answer that nobody asked for')
    waiting.isOwed = false
    if (waiting.eatsAnswer) {
      this.#end(false)
      return
    }
    const changed = this.#owner.rules.onAnswer?.(frame, waiting.request) ?? frame
    waiting.ready = waiting.own ?? changed
    this.#giveReady()
  }

  #giveReady(): void {
    while (!this.#hasEnded) {
      const answer = this.#waiting[0]?.ready
      if (!answer || this.#isMute) return
      this.#waiting.shift()
      this.#write('client', answer)
    }
  }

  #write(side: 'client' | 'broker', bytes: Buffer): void {
    const socket = side === 'client' ? this.#client : this.#broker
    const { bytesPerSecond } = this.#owner.rules
    const drip = this.#drips[side]
    // What is still dripping goes first, also when the rule has gone.
    if (bytesPerSecond === undefined && drip === undefined) socket.write(bytes)
    else if (drip !== undefined) drip.push(bytes)
    else this.#drips[side] = new Drip(socket, bytes, () => this.#owner.rules.bytesPerSecond)
  }

  #end(withReset: boolean): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#isCut = true
    clearTimeout(this.#lifetime)
    for (const drip of Object.values(this.#drips)) drip.stop()
    for (const socket of [this.#client, this.#broker]) {
      if (withReset) socket.resetAndDestroy()
      else socket.destroy()
    }
    this.onEnd()
  }
}

const dripIntervalMs = 20

/** Writes in segments of one byte, at a speed; all that is left at once when there is none any more. */
class Drip {
  readonly #socket: Socket
  readonly #bytesPerSecond: () => number | undefined
  readonly #timer: NodeJS.Timeout
  #queue: Buffer

  constructor(socket: Socket, bytes: Buffer, bytesPerSecond: () => number | undefined) {
    this.#socket = socket
    this.#queue = bytes
    this.#bytesPerSecond = bytesPerSecond
    this.#timer = setInterval(() => this.#step(), dripIntervalMs)
  }

  push(bytes: Buffer): void {
    this.#queue = Buffer.concat([this.#queue, bytes])
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #step(): void {
    const speed = this.#bytesPerSecond()
    if (speed === undefined) {
      this.#socket.write(this.#queue)
      this.#queue = Buffer.alloc(0)
      return
    }
    const perStep = Math.max(1, Math.floor((speed * dripIntervalMs) / 1000))
    const count = Math.min(this.#queue.length, perStep)
    for (let at = 0; at < count; at++) this.#socket.write(this.#queue.subarray(at, at + 1))
    this.#queue = this.#queue.subarray(count)
  }
}
