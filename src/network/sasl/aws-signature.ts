// AWS Signature Version 4 in a URL's query ("presigned URL").

import { lazyNode } from '../../lazy-node.ts'

export interface AwsCredentials {
  accessKeyId: string
  secretAccessKey: string
  /** Of temporary credentials. */
  sessionToken?: string
}

export interface PresignOptions {
  credentials: AwsCredentials
  region: string
  service: string
  host: string
  /** A path that needs no encoding. */
  path: string
  /** Parameters besides those of the signature. */
  query: Readonly<Record<string, string>>
  expiresSeconds: number
  /** When it is signed, in milliseconds since 1970. */
  now: number
  /** SHA-256 of the body in hexadecimal, or what stands in its place. */
  payloadHash: string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
export const EMPTY_PAYLOAD_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** The URL of a GET request with its signature. */
export function presignUrl(options: PresignOptions): string {
  const { credentials, region, service, host, path } = options
  // 20130524T000000Z
  const time = new Date(options.now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const date = time.slice(0, 8)
  const scope = `${date}/${region}/${service}/aws4_request`
  const { sessionToken } = credentials
  const query = canonicalQuery({
    ...options.query,
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(options.expiresSeconds),
    'X-Amz-SignedHeaders': 'host',
    ...(sessionToken !== undefined && { 'X-Amz-Security-Token': sessionToken }),
  })
  const request = ['GET', path, query, `host:${host}`, '', 'host', options.payloadHash].join('\n')
  const hash = lazyNode.crypto.createHash('sha256').update(request).digest('hex')
  const key = signingKey(credentials.secretAccessKey, date, region, service)
  const signature = hmac(key, [ALGORITHM, time, scope, hash].join('\n')).toString('hex')
  return `https://${host}${path}?${query}&X-Amz-Signature=${signature}`
}

/** The key of one day, region and service. */
export function signingKey(secret: string, date: string, region: string, service: string): Buffer {
  return [date, region, service, 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${secret}`),
  )
}

function hmac(key: Buffer, text: string): Buffer {
  return lazyNode.crypto.createHmac('sha256', key).update(text).digest()
}

function canonicalQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join('&')
}

/** RFC 3986: encodeURIComponent leaves five characters as they are that AWS wants encoded. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
