// The error that a coordinator responds with: its code and the broker's message.

/** Thrown by coordinators before they change anything; the handler turns it into a response. */
export class GroupError extends Error {
  readonly errorCode: number

  constructor(errorCode: number, message: string) {
    super(message)
    this.errorCode = errorCode
  }
}
