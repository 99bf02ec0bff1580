// What a connection tells of its requests: once for each, never per record.

/** Times are by `monotonicMs()`. */
export interface RequestObserver {
  onWritten(bytes: number, at: number): void
  /** @param api such as `Fetch` */
  onResponse(api: string, bytes: number, latencyMs: number, throttleMs: number, at: number): void
}
