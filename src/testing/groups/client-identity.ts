// What a connection tells of the client behind a heartbeat.

export interface ClientIdentity {
  readonly clientId: string
  readonly clientHost: string
}
