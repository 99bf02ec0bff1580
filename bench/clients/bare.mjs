// What Node itself costs, for `latency`: one Produce request again and again by a bare socket. It is encoded once,
// and a response is as many bytes as came: only the first is decoded. No client in Node can be quicker than this.

import { once } from 'node:events'
import { connect } from 'node:net'
import { decodeFrame, encodeBatch, encodeFrame, produce } from 'kafkawire/protocol'
import { main } from '../lib/harness.mjs'

const VERSION = 9

async function requestOf({ topic }, key, value) {
  const timestamp = BigInt(Date.now())
  const records = await encodeBatch({
    baseOffset: 0n,
    partitionLeaderEpoch: -1,
    attributes: 0,
    lastOffsetDelta: 0,
    baseTimestamp: timestamp,
    maxTimestamp: timestamp,
    producerId: -1n,
    producerEpoch: -1,
    baseSequence: -1,
    records: [{ timestampDelta: 0n, offsetDelta: 0, key, value, headers: [] }],
  })
  return encodeFrame({
    type: 'request',
    api: produce,
    version: VERSION,
    header: { correlationId: 1, clientId: 'pb' },
    body: produce.request({
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    }),
  })
}

main({
  client: 'bare socket',
  version: process.versions.node,
  async pingpong(o, { key, value }) {
    const [host, port] = o.brokers[0].split(':')
    const socket = connect(Number(port), host)
    socket.setNoDelay(true)
    await once(socket, 'connect')
    const request = await requestOf(o, key(0), value(0))
    // Thrown here, it ends the process: a run that is refused is no result.
    socket.once('data', (bytes) => {
      const { body } = decodeFrame(bytes, { api: produce, version: VERSION })
      const { errorCode } = body.responses[0].partitionResponses[0]
      if (errorCode !== 0) throw new Error(`Produce was refused with error code ${errorCode}`)
    })
    let settle
    socket.on('data', () => settle())
    const one = () =>
      new Promise((resolve) => {
        settle = resolve
        socket.write(request)
      })
    return { one, close: () => socket.destroy() }
  },
})
