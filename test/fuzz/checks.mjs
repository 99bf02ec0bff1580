// What must hold of any input: it is read, or refused by a DecodeError that says where. Each check answers
// whether the input was read, as a promise only where a codec works off the main thread; it throws where
// the decoder or the encoder breaks a promise.

import {
  Conversation,
  decodeAssignment,
  decodeBatch,
  decodeBatches,
  decodeControlRecord,
  decodeFrame,
  decodeGroupRecord,
  decodeMessageSet,
  decodeMetadataRecord,
  decodeOffsetIndex,
  decodeRaftControlRecord,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  decodeShareStateRecord,
  decodeSubscription,
  decodeTimeIndex,
  decodeTransactionIndex,
  decodeTransactionRecord,
  encodeFrame,
  encodeRequest,
  encodeResponse,
  FrameSplitter,
  fromJson,
  RecordsReader,
  rawSource,
  readLogSegment,
  requestHeaderReader,
  requestHeaderVersion,
  responseHeaderReader,
  responseHeaderVersion,
  toJson,
} from 'kafkawire/protocol'

// The command line's own, built by fuzz.mjs.
const { capturedFrames } = await import(JSON.parse(process.argv[2]).captureReader)

/** The most that compressed bytes may become here. */
const MAX_DECOMPRESSED = 8 * 1024 * 1024
/** What objects may take. */
const MAX_DECODED = 16 * 1024 * 1024

export const checks = {
  message: checkMessage,
  frame: checkFrame,
  records: checkRecords,
  segment: checkSegment,
  blob: checkBlob,
  capture: checkCapture,
  compressed: checkCompressed,
}

function checkMessage({ api, type, version, bytes }) {
  const decode = type === 'request' ? decodeRequest : decodeResponse
  const encode = type === 'request' ? encodeRequest : encodeResponse
  let decoded
  try {
    decoded = decode(api, version, bytes)
  } catch (error) {
    return refused(error, bytes, { name: api.name, version })
  }
  let written
  try {
    written = encode(api, version, decoded.message)
  } catch (error) {
    // Bytes that are no UTF-8 become longer ones, which may exceed the limit of a string.
    if (error.name === 'InvalidArgumentError' && error.message.includes('a string of')) return true
    throw error
  }
  const message = decode(api, version, written).message
  if (!encode(api, version, message).equals(written)) {
    throw new Error('reading what was written gives another message')
  }
  const json = toJson(message)
  // JavaScript has one NaN, IEEE 754 many.
  const hasNaN = JSON.stringify(json).includes('"NaN"')
  if (!hasNaN && !encode(api, version, fromJson(json)).equals(written)) {
    throw new Error('JSON gives another message')
  }
  return true
}

/** A whole frame and a conversation, which goes on behind what cannot be read. */
function checkConversation({ api, type, version, bytes }) {
  try {
    const frame = decodeFrame(bytes, type === 'request' ? null : { api, version })
    if (decodeFrame(encodeFrame(frame), type === 'request' ? null : { api, version }) === null)
      throw new Error('absurd')
  } catch (error) {
    // What is written of bytes that are no UTF-8 may be longer than a string can be.
    if (error.name !== 'InvalidArgumentError') refused(error, bytes)
  }
  const talk = new Conversation({ maxFrameBytes: 1 << 20 })
  const give =
    type === 'request' ? (part) => talk.fromClient(part) : (part) => talk.fromServer(part)
  try {
    const third = Math.floor(bytes.length / 3)
    give(bytes.subarray(0, third))
    give(bytes.subarray(third))
    give(bytes)
  } catch (error) {
    refused(error)
  }
}

async function checkSegment({ bytes }) {
  for (const decode of [decodeOffsetIndex, decodeTimeIndex, decodeTransactionIndex]) {
    try {
      decode(bytes, 0n)
    } catch (error) {
      refused(error, bytes)
    }
  }
  try {
    for await (const batch of readLogSegment(bytes)) {
      if (batch.bytes.length === 0) throw new Error('absurd')
    }
  } catch (error) {
    return refused(error, bytes)
  }
  return true
}

/** A capture of tcpdump: packets, TCP segments, conversations. */
function checkCapture({ bytes }) {
  try {
    for (const { frame } of capturedFrames(bytes)) {
      if (frame.type === 'gap' && !(frame.bytes >= 0)) throw new Error('absurd')
    }
  } catch (error) {
    return refused(error, bytes)
  }
  return true
}

function checkBlob({ bytes }) {
  let isRead = true
  for (const decode of [
    decodeSubscription,
    decodeAssignment,
    (part) => decodeControlRecord(part.subarray(0, 4), part.subarray(4)),
    (part) => decodeRaftControlRecord(part.subarray(0, 4), part.subarray(4)),
    decodeMetadataRecord,
    // A key of a few bytes and a value, or the other way around.
    (part) => decodeGroupRecord(part.subarray(0, 24), part.subarray(24)),
    (part) => decodeGroupRecord(part, part),
    (part) => decodeTransactionRecord(part.subarray(0, 8), part.subarray(8)),
    (part) => decodeShareStateRecord(part.subarray(0, 32), part.subarray(32)),
  ]) {
    try {
      decode(bytes)
    } catch (error) {
      isRead = refused(error, bytes)
    }
  }
  return isRead
}

/** A stream of bytes from a peer: frames are split off, their headers and bodies are read. */
function checkFrame({ api, type, version, bytes }) {
  checkConversation({ api, type, version, bytes })
  const frames = []
  const splitter = new FrameSplitter({
    maxFrameBytes: 1 << 20,
    onFrame: (frame) => frames.push(frame),
  })
  const half = bytes.length >> 1
  try {
    splitter.push(bytes.subarray(0, half))
    splitter.push(bytes.subarray(half))
  } catch (error) {
    return refused(error, bytes)
  }
  let isRead = frames.length > 0
  for (const frame of frames) {
    const isRequest = type === 'request'
    const r = isRequest
      ? requestHeaderReader(requestHeaderVersion(api, version), frame)
      : responseHeaderReader(responseHeaderVersion(api, version), frame)
    try {
      if (isRequest) decodeRequestHeader(r)
      else decodeResponseHeader(r)
      const decode = isRequest ? decodeRequest : decodeResponse
      decode(api, version, frame, r.offset)
    } catch (error) {
      refused(error, frame)
      isRead = false
    }
  }
  return isRead
}

async function checkRecords({ bytes }) {
  const options = { checkCrcs: false, maxDecompressedBytes: MAX_DECOMPRESSED }
  const reader = new RecordsReader(bytes, rawSource('fuzz', 0), options)
  const readOn = () => {
    try {
      for (let batch = reader.nextBatch(); batch !== null; batch = reader.nextBatch()) {
        const opening = batch.open()
        if (opening !== undefined) {
          const current = batch
          return opening.then(
            () => {
              readBatch(current)
              return readOn()
            },
            (error) => refused(error),
          )
        }
        readBatch(batch)
      }
      decodeMessageSet(bytes, false, MAX_DECOMPRESSED)
      return true
    } catch (error) {
      return refused(error)
    }
  }
  const outcome = readOn()
  const isRead =
    outcome instanceof Promise ? await outcome.catch((error) => refused(error)) : outcome
  const limits = {
    checkCrc: false,
    maxDecompressedBytes: MAX_DECOMPRESSED,
    maxDecodedBytes: MAX_DECODED,
  }
  for (const decode of [
    () => decodeBatch(bytes, 0, limits),
    () => decodeBatch(bytes, bytes.length >> 1, limits),
    () => decodeBatches(bytes, limits),
  ]) {
    try {
      await decode()
    } catch (error) {
      refused(error, bytes)
    }
  }
  return isRead
}

function readBatch(batch) {
  let count = 0
  for (let record = batch.next(); record !== null; record = batch.next()) {
    const { key, value, headers, offset } = record
    if (key?.length < 0 || value?.length < 0 || typeof offset !== 'bigint')
      throw new Error('absurd')
    for (const header of headers) if (typeof header.key !== 'string') throw new Error('absurd')
    count++
  }
  if (count > batch.recordCount) throw new Error(`${count} records of ${batch.recordCount}`)
}

function checkCompressed({ codec, bytes }) {
  const accept = (output) => {
    if (output.length <= MAX_DECOMPRESSED) return true
    throw new Error(`${output.length} bytes, ${MAX_DECOMPRESSED} are allowed`)
  }
  try {
    const output = codec.decompress(bytes, MAX_DECOMPRESSED)
    if (output instanceof Uint8Array) return accept(output)
    return output.then(accept, (error) => refused(error))
  } catch (error) {
    return refused(error)
  }
}

/** Returns false for a DecodeError that says where; throws all else. */
function refused(error, bytes, expected) {
  if (error?.name !== 'DecodeError') throw error
  const { api, version, position, message } = error
  const isNamed =
    message !== '' &&
    (expected === undefined || (api === expected.name && version === expected.version)) &&
    (bytes === undefined || position <= bytes.length)
  if (!isNamed) throw new Error(`the error does not say where: ${message}`, { cause: error })
  return false
}
