// AWS Signature Version 4, held against AWS's published examples and against AWS's own implementation; and
// the tokens of MSK that are made of it.

import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { afterEach, expect, test, vi } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { awsMskIamToken, mskToken } from '../../../src/network/sasl/aws-msk-iam.ts'
import {
  EMPTY_PAYLOAD_HASH,
  presignUrl,
  signingKey,
} from '../../../src/network/sasl/aws-signature.ts'
import type { SaslContext } from '../../../src/options/sasl-options.ts'

const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: secret }

afterEach(() => {
  vi.unstubAllEnvs()
})

test("the signing key of AWS's published example", () => {
  // Signature Version 4 signing process, "derive a signing key".
  expect(signingKey(secret, '20150830', 'us-east-1', 'iam').toString('hex')).toBe(
    'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9',
  )
})

test("the presigned URL of AWS's published example", () => {
  // Amazon S3, "Authenticating requests: using query parameters".
  const url = presignUrl({
    credentials: {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    },
    region: 'us-east-1',
    service: 's3',
    host: 'examplebucket.s3.amazonaws.com',
    path: '/test.txt',
    query: {},
    expiresSeconds: 86_400,
    now: Date.UTC(2013, 4, 24),
    payloadHash: 'UNSIGNED-PAYLOAD',
  })
  expect(url).toBe(
    'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  )
})

/** The hash functions that AWS's implementation asks for, by Node's own. */
class Sha256 {
  private readonly hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>

  constructor(key?: string | Uint8Array) {
    this.hash = key === undefined ? createHash('sha256') : createHmac('sha256', key)
  }

  update(data: string | Uint8Array): void {
    this.hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.hash.digest()
  }
}

test.each([
  [credentials, 'us-east-1'],
  [{ ...credentials, sessionToken: "IQoJb3JpZ2luX2VjE/+=()*!'~ä" }, 'eu-central-1'],
  [{ accessKeyId: 'ASIA/+=', secretAccessKey: 'a b', sessionToken: 'x' }, 'cn-north-1'],
])('the token of MSK has the signature that AWS’s own implementation makes', async (...args) => {
  const [given, region] = args
  const now = Date.UTC(2026, 0, 2, 3, 4, 5)
  const url = Buffer.from(mskToken(given, { region, now }).token, 'base64url').toString()
  const signer = new SignatureV4({
    credentials: given,
    region,
    service: 'kafka-cluster',
    sha256: Sha256,
    applyChecksum: false,
  } as never)
  const host = `kafka.${region}.amazonaws.com`
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: host,
      path: '/',
      headers: { host },
      query: { Action: 'kafka-cluster:Connect' },
    } as never,
    { signingDate: new Date(now), expiresIn: 900 },
  )
  const { searchParams, pathname, hostname } = new URL(url)
  expect(hostname + pathname).toBe(`${host}/`)
  expect(searchParams.get('User-Agent')).toBe('kafkawire')
  searchParams.delete('User-Agent')
  expect(Object.fromEntries(searchParams)).toEqual(signed.query)
  expect(signed.query?.['X-Amz-Signature']).toMatch(/^[0-9a-f]{64}$/)
})

test('an empty payload has the hash that is written down', () => {
  expect(createHash('sha256').digest('hex')).toBe(EMPTY_PAYLOAD_HASH)
})

function context(host: string): SaslContext {
  return { host, port: 9098, isEncrypted: true, signal: new AbortController().signal }
}

function scopeOf({ token }: { token: string }): string {
  const url = new URL(Buffer.from(token, 'base64url').toString())
  return url.searchParams.get('X-Amz-Credential') ?? ''
}

test.each([
  ['b-1.demo.abc123.c2.kafka.eu-west-1.amazonaws.com', 'eu-west-1'],
  ['boot-x.c1.kafka-serverless.ap-south-1.amazonaws.com', 'ap-south-1'],
  ['b-1.demo.kafka.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  ['vpce.example', 'us-west-2'],
])('the region of %s', async (host, region) => {
  vi.stubEnv('AWS_REGION', 'us-west-2')
  const token = await awsMskIamToken({ credentials })(context(host))
  expect(scopeOf(token)).toMatch(new RegExp(`^AKIDEXAMPLE/\\d{8}/${region}/kafka-cluster/`))
  const inFuture = (token.expiresAt ?? 0) - Date.now()
  expect(inFuture).toBeGreaterThan(600_000)
  expect(inFuture).toBeLessThanOrEqual(900_000)
})

test('credentials of the environment, and by function for each token', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'ENVID')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
  vi.stubEnv('AWS_SESSION_TOKEN', 'session')
  const fromEnvironment = await awsMskIamToken({ region: 'eu-west-1' })(context('b'))
  expect(scopeOf(fromEnvironment)).toMatch(/^ENVID\//)
  let calls = 0
  const provider = awsMskIamToken({
    region: 'eu-west-1',
    credentials: async () => ({ ...credentials, accessKeyId: `ID${++calls}` }),
  })
  expect(scopeOf(await provider(context('b')))).toMatch(/^ID1\//)
  expect(scopeOf(await provider(context('b')))).toMatch(/^ID2\//)
})

test('what is missing or wrong is told without the secret', async () => {
  for (const name of [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
  ])
    vi.stubEnv(name, '')
  expect(() => awsMskIamToken({ Region: 'x' } as never)).toThrow(ConfigError)
  expect(() => awsMskIamToken({ credentials: secret } as never)).toThrow(/must be an object/)
  expect(() => awsMskIamToken({ credentials: secret } as never)).not.toThrow(secret)
  await expect(awsMskIamToken({ credentials })(context('b'))).rejects.toThrow(
    /the region is not known/,
  )
  await expect(awsMskIamToken({ region: 'r' })(context('b'))).rejects.toThrow(/no credentials/)
  const wrong = awsMskIamToken({
    region: 'r',
    credentials: () => ({ secretAccessKey: secret }) as never,
  })
  await expect(wrong(context('b'))).rejects.toThrow(/accessKeyId: undefined/)
  await expect(wrong(context('b'))).rejects.not.toThrow(secret)
})
