// A schema registry for tests: the part of Confluent's REST API that the client uses, in memory, and ways to
// make it misbehave.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

interface Entry {
  schemaType?: string
  schema: string
  references?: { name: string; subject: string; version: number }[]
}

export interface FakeRegistry extends AsyncDisposable {
  readonly url: string
  /** `POST /subjects/t-value/versions`, in order. */
  readonly requests: string[]
  readonly authorizations: (string | undefined)[]
  readonly subjects: Map<string, number[]>
  readonly schemas: Entry[]
  /** Takes the place of the next responses while it returns true. */
  fault: ((request: IncomingMessage, response: ServerResponse) => boolean) | null
  /** Why schemas are not compatible; empty: they are. */
  incompatibilities: string[]
  /** Whether responses have GUIDs, as Confluent's since version 8. */
  hasGuids: boolean
  add(subject: string, entry: Entry): number
  close(): Promise<void>
}

/** The GUID of a schema by its number. */
export function guidOf(id: number): string {
  return `0f0e0d0c-0b0a-4908-8706-05040302${String(id).padStart(4, '0')}`
}

/** @param tls certificate and key of the server, and what it asks of clients; without: plain HTTP */
export async function startRegistry(tls?: ServerOptions): Promise<FakeRegistry> {
  const state = {
    requests: [] as string[],
    authorizations: [] as (string | undefined)[],
    subjects: new Map<string, number[]>(),
    schemas: [] as Entry[],
    fault: null as FakeRegistry['fault'],
    incompatibilities: [] as string[],
    hasGuids: true,
  }
  const guid = (id: number) => (state.hasGuids ? { guid: guidOf(id) } : {})
  const add = (subject: string, entry: Entry): number => {
    const text = JSON.stringify(entry)
    let index = state.schemas.findIndex((each) => JSON.stringify(each) === text)
    if (index < 0) index = state.schemas.push(entry) - 1
    const versions = state.subjects.get(subject) ?? []
    state.subjects.set(subject, versions)
    if (!versions.includes(index + 1)) versions.push(index + 1)
    return index + 1
  }
  const answer = (method: string, path: string, body: Entry | null): [number, unknown] => {
    const [, first, second = '', third, fourth] = path
      .split('?')[0]
      .split('/')
      .map(decodeURIComponent)
    if (first === 'schemas') {
      const id = second === 'guids' ? Number(third.slice(-4)) : Number(third)
      const entry = state.schemas[id - 1]
      return entry === undefined
        ? [404, { error_code: 40403, message: 'Schema not found' }]
        : [200, { ...entry, ...guid(id) }]
    }
    if (first === 'compatibility') {
      return [200, { is_compatible: false, messages: state.incompatibilities }]
    }
    const versions = state.subjects.get(second)
    if (method === 'POST' && third === 'versions') {
      if (state.incompatibilities.length > 0) {
        return [409, { error_code: 409, message: 'Schema being registered is incompatible' }]
      }
      const added = add(second, body as Entry)
      return [200, { id: added, ...guid(added) }]
    }
    if (versions === undefined)
      return [404, { error_code: 40401, message: `Subject '${second}' not found.` }]
    if (method === 'POST') {
      const text = JSON.stringify(body)
      const id = versions.find((each) => JSON.stringify(state.schemas[each - 1]) === text)
      return id === undefined
        ? [404, { error_code: 40403, message: 'Schema not found' }]
        : [200, { subject: second, id, version: versions.indexOf(id) + 1, ...guid(id) }]
    }
    const id = fourth === 'latest' ? versions.at(-1) : versions[Number(fourth) - 1]
    return id === undefined
      ? [404, { error_code: 40402, message: 'Version not found' }]
      : [
          200,
          {
            subject: second,
            id,
            version: versions.indexOf(id) + 1,
            ...guid(id),
            ...state.schemas[id - 1],
          },
        ]
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    state.requests.push(`${request.method} ${request.url}`)
    state.authorizations.push(request.headers.authorization)
    if (state.fault?.(request, response)) return
    let text = ''
    for await (const chunk of request) text += chunk
    const [status, body] = answer(
      request.method ?? '',
      request.url ?? '',
      text === '' ? null : JSON.parse(text),
    )
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return Object.assign(state, {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add,
    close,
    [Symbol.asyncDispose]: close,
  })
}
