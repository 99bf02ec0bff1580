// `kafkawire delegation-tokens`: create, describe, renew and expire them, as kafka-delegation-tokens does.

import type { Command } from 'commander'
import type { DelegationToken } from '../../admin/delegation-tokens.ts'
import {
  addTimeout,
  atLeast,
  clusterCommand,
  collectList,
  oneOfActions,
  onRun,
  required,
} from '../command.ts'
import { UsageError } from '../failures.ts'
import type { Session } from '../session.ts'

interface TokenOptions {
  create?: boolean
  describe?: boolean
  renew?: boolean
  expire?: boolean
  hmac?: string
  ownerPrincipal?: string[]
  renewerPrincipal?: string[]
  maxLifeTimePeriod?: number
  renewTimePeriod?: number
  expiryTimePeriod?: number
}

export function addDelegationTokens(program: Command): void {
  const command = clusterCommand(program, 'delegation-tokens', {
    summary: 'Create, describe, renew and expire delegation tokens',
    script: 'kafka-delegation-tokens',
    examples: [
      {
        text: 'Create a token for a day that bob may renew',
        command:
          'kafkawire delegation-tokens --create --max-life-time-period 86400000 --renewer-principal User:bob --command-config alice.properties',
      },
      {
        text: 'List the tokens of an owner',
        command: 'kafkawire delegation-tokens --describe --owner-principal User:alice',
      },
      { text: 'End a token now', command: 'kafkawire delegation-tokens --expire --hmac <hmac>' },
    ],
  })
    .option('--create', 'create a token')
    .option('--describe', 'list tokens')
    .option('--renew', 'renew a token')
    .option('--expire', 'end a token')
    .option('--hmac <base64>', 'with --renew, --expire: the token')
    .option('--owner-principal <principals>', 'the owner, such as User:alice', collectList)
    .option('--renewer-principal <principals>', 'with --create: who may renew it', collectList)
    .option(
      '--max-life-time-period <ms>',
      'with --create; -1 is what the broker allows',
      atLeast(-1),
    )
    .option('--renew-time-period <ms>', 'with --renew; -1 is what the broker says', atLeast(-1))
    .option('--expiry-time-period <ms>', 'with --expire; -1 is now', atLeast(-1))
  onRun<TokenOptions>(addTimeout(command), run)
}

async function run(session: Session, options: TokenOptions): Promise<void> {
  const action = oneOfActions(options, ['create', 'describe', 'renew', 'expire'])
  const { admin, out, limits } = session
  if (action === 'describe') {
    const { ownerPrincipal: owners } = options
    const asked = owners === undefined ? limits : { ...limits, owners }
    print(session, await admin.describeDelegationTokens(asked))
  } else if (action === 'create') {
    const { ownerPrincipal, renewerPrincipal: renewers, maxLifeTimePeriod } = options
    if (ownerPrincipal !== undefined && ownerPrincipal.length > 1) {
      throw new UsageError('--owner-principal: a token has one owner.')
    }
    const token = await admin.createDelegationToken({
      ...limits,
      ...(ownerPrincipal === undefined ? {} : { owner: ownerPrincipal[0] }),
      ...(renewers === undefined ? {} : { renewers }),
      ...(maxLifeTimePeriod === undefined ? {} : { maxLifetimeMs: maxLifeTimePeriod }),
    })
    print(session, [token])
  } else {
    const hmac = hmacOf(required(options.hmac, '--hmac', `--${action}`))
    const { renewTimePeriod: renewPeriodMs, expiryTimePeriod: expiryPeriodMs } = options
    const expiry =
      action === 'renew'
        ? await admin.renewDelegationToken(hmac, {
            ...limits,
            ...(renewPeriodMs === undefined ? {} : { renewPeriodMs }),
          })
        : await admin.expireDelegationToken(hmac, {
            ...limits,
            ...(expiryPeriodMs === undefined ? {} : { expiryPeriodMs }),
          })
    out.line(`The token expires at ${new Date(expiry).toISOString()}.`)
    out.object({ expiryTimestamp: expiry })
  }
}

/** @throws UsageError for what is not base64: a wrong character would only be left out. */
function hmacOf(text: string): Buffer {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return Buffer.from(text, 'base64')
  throw new UsageError('--hmac: expected base64, as --create and --describe print it.')
}

function print(session: Session, tokens: readonly DelegationToken[]): void {
  session.out.rows(
    tokens,
    [
      { title: 'TOKENID', of: ({ tokenId }) => tokenId },
      { title: 'HMAC', of: ({ hmac }) => hmac.toString('base64') },
      { title: 'OWNER', of: ({ owner }) => owner },
      { title: 'REQUESTER', of: ({ requester }) => requester },
      { title: 'RENEWERS', of: ({ renewers }) => renewers.join(',') },
      { title: 'ISSUEDATE', of: ({ issueTimestamp }) => new Date(issueTimestamp).toISOString() },
      { title: 'EXPIRYDATE', of: ({ expiryTimestamp }) => new Date(expiryTimestamp).toISOString() },
      { title: 'MAXDATE', of: ({ maxTimestamp }) => new Date(maxTimestamp).toISOString() },
    ],
    ({ hmac, ...token }) => ({ ...token, hmac: hmac.toString('base64') }),
  )
}
