// Tokens for Amazon MSK with IAM: a presigned URL, in base64url, is the token of OAUTHBEARER.

import { wallMs } from '../../async/clock.ts'
import { ConfigError, kindOf } from '../../errors.ts'
import { resolveOptions, text } from '../../options/option-table.ts'
import type { CredentialsProvider, OAuthBearerToken } from '../../options/sasl-options.ts'
import { type AwsCredentials, EMPTY_PAYLOAD_HASH, presignUrl } from './aws-signature.ts'

/** How {@link awsMskIamToken} signs. */
export interface AwsMskIamOptions {
  /**
   * The region of the cluster.
   * @defaultValue that in the broker's name, else AWS_REGION or AWS_DEFAULT_REGION of the environment
   */
  region?: string
  /**
   * Credentials, or a function that returns them, such as a provider of `@aws-sdk/credential-providers`.
   * The function is called for each token.
   * @defaultValue AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment
   */
  credentials?: AwsCredentials | (() => AwsCredentials | Promise<AwsCredentials>)
}

/** AWS accepts a token for 15 minutes. */
const EXPIRES_SECONDS = 900
const OWNER = 'awsMskIamToken()'

const table = {
  region: text(null),
  credentials: {
    default: null,
    check: (value: unknown, fail: (expected: string) => never) =>
      typeof value === 'function' || (typeof value === 'object' && value !== null)
        ? value
        : fail('an object with accessKeyId and secretAccessKey, or a function that returns one'),
  },
}

/**
 * A provider of tokens for Amazon MSK with IAM authentication, to be given as `token` of OAUTHBEARER.
 * @example
 * sasl: { mechanism: 'OAUTHBEARER', token: awsMskIamToken({ region: 'eu-central-1' }) }
 * @throws ConfigError for a wrong or unknown option
 */
export function awsMskIamToken(
  options: AwsMskIamOptions = {},
): CredentialsProvider<OAuthBearerToken> {
  const { region, credentials } = resolveOptions(table, options, OWNER, true)
  return async ({ host }) => {
    const found: unknown = typeof credentials === 'function' ? await credentials() : credentials
    return mskToken(found === null ? fromEnvironment() : checkCredentials(found), {
      region: region ?? regionOf(host),
      now: wallMs(),
    })
  }
}

/** The token of one moment. */
export function mskToken(
  credentials: AwsCredentials,
  { region, now }: { region: string; now: number },
): OAuthBearerToken {
  const url = presignUrl({
    credentials,
    region,
    service: 'kafka-cluster',
    host: `kafka.${region}.amazonaws.com`,
    path: '/',
    query: { Action: 'kafka-cluster:Connect' },
    expiresSeconds: EXPIRES_SECONDS,
    now,
    payloadHash: EMPTY_PAYLOAD_HASH,
  })
  // Not signed: AWS wants to know which client it was.
  const token = Buffer.from(`${url}&User-Agent=kafkawire`).toString('base64url')
  return { token, expiresAt: now + EXPIRES_SECONDS * 1000 }
}

/** `b-1.name.abc123.c2.kafka.eu-central-1.amazonaws.com` has it. */
function regionOf(host: string): string {
  const inName = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1]
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const region = inName ?? (AWS_REGION || AWS_DEFAULT_REGION)
  if (region) return region
  throw new ConfigError(
    `${OWNER}: the region is not known: set 'region', or AWS_REGION in the environment`,
  )
}

function fromEnvironment(): AwsCredentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new ConfigError(
      `${OWNER}: no credentials: set 'credentials', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment`,
    )
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  }
}

function checkCredentials(given: unknown): AwsCredentials {
  const { accessKeyId, secretAccessKey, sessionToken } = Object(given)
  if (!isText(accessKeyId) || !isText(secretAccessKey)) {
    throw new ConfigError(
      `${OWNER}: credentials must have accessKeyId and secretAccessKey, two strings, got ${kindOf(given)} with accessKeyId: ${kindOf(accessKeyId)}, secretAccessKey: ${kindOf(secretAccessKey)}`,
    )
  }
  return { accessKeyId, secretAccessKey, ...(isText(sessionToken) && { sessionToken }) }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
