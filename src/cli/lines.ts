// Lines of a stream as bytes, in groups: no decoding, so that any bytes come through.

/** Lines without their line feeds, a group for each piece that was read. */
export async function* lineGroups(
  stream: AsyncIterable<Buffer | string>,
  delimiter = '\n',
): AsyncIterable<Buffer[]> {
  const end = Buffer.from(delimiter)
  let open: Buffer[] = []
  for await (const chunk of stream) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const bytes = open.length === 0 ? piece : Buffer.concat([...open, piece])
    const group: Buffer[] = []
    let start = 0
    // What was open before has no delimiter but perhaps a part of one at its end.
    let at = bytes.indexOf(end)
    while (at >= 0) {
      group.push(bytes.subarray(start, at))
      start = at + end.length
      at = bytes.indexOf(end, start)
    }
    open = start < bytes.length ? [bytes.subarray(start)] : []
    if (group.length > 0) yield group
  }
  if (open.length > 0) yield open
}
