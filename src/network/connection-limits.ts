// How much of what a connection takes.

/** Before a connection is ready, nothing that a broker says can be longer. */
export const MAX_SETUP_RESPONSE: number = 1024 * 1024

/** After it comes 0. */
export const MAX_CORRELATION_ID = 0x7fffffff
