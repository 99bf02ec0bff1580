// Lines of a stream as bytes, in groups: no decoding, so that any bytes come through.

const empty = Buffer.alloc(0)

/** Lines without their line feeds, a group for each piece that was read. */
export async function* lineGroups(
  stream: AsyncIterable<Buffer | string>,
  delimiter = '\n',
): AsyncIterable<Buffer[]> {
  const end = Buffer.from(delimiter)
  /** The beginning of a line that has not ended yet. It is joined once, however many pieces it has. */
  let open: Buffer[] = []
  /** Its last bytes, which may be the beginning of a delimiter. */
  let tail: Buffer = empty
  for await (const chunk of stream) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    const bytes = tail.length === 0 ? piece : Buffer.concat([tail, piece])
    const group: Buffer[] = []
    let start = 0
    for (let at = bytes.indexOf(end); at >= 0; at = bytes.indexOf(end, start)) {
      const line = bytes.subarray(start, at)
      group.push(open.length === 0 ? line : Buffer.concat([...open, line]))
      open = []
      start = at + end.length
    }
    const cut = Math.max(start, bytes.length - end.length + 1)
    if (cut > start) open.push(bytes.subarray(start, cut))
    tail = bytes.subarray(cut)
    if (group.length > 0) yield group
  }
  const last = Buffer.concat([...open, tail])
  if (last.length > 0) yield [last]
}
