// UUIDs are strings of 22 characters of base64url, the form that Kafka's own tools show.

/** The UUID that stands for none: sixteen zero bytes. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
