// Lines of a stream as bytes, in groups: no decoding, so that any bytes come through.

const empty = Buffer.alloc(0)
const CARRIAGE_RETURN = 13

/**
 * Lines without their ends, a group for each piece that was read.
 * @param delimiter what ends a line; null: a line feed, or a carriage return and a line feed
 */
export async function* lineGroups(
  stream: AsyncIterable<Buffer | string>,
  delimiter: string | null = null,
): AsyncIterable<Buffer[]> {
  const end = Buffer.from(delimiter ?? '\n')
  const finished = delimiter === null ? withoutCarriageReturn : (line: Buffer): Buffer => line
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
      group.push(finished(open.length === 0 ? line : Buffer.concat([...open, line])))
      open = []
      start = at + end.length
    }
    const cut = Math.max(start, bytes.length - end.length + 1)
    if (cut > start) open.push(bytes.subarray(start, cut))
    tail = bytes.subarray(cut)
    if (group.length > 0) yield group
  }
  const last = Buffer.concat([...open, tail])
  if (last.length > 0) yield [finished(last)]
}

/** Windows ends lines with both, and Kafka's script takes both for an end. */
function withoutCarriageReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
}
