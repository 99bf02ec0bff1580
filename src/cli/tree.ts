// A decoded message as an indented tree: shorter to read than JSON.

/** The lines of a value that JSON can hold. */
export function treeLines(value: unknown, indent: string = ''): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => entryLines(`[${index}]`, item, indent))
  }
  if (value === null || typeof value !== 'object') return [`${indent}${leafText(value)}`]
  return Object.entries(value).flatMap(([key, field]) => entryLines(key, field, indent))
}

function entryLines(name: string, value: unknown, indent: string): string[] {
  if (value === null || typeof value !== 'object') return [`${indent}${name}: ${leafText(value)}`]
  const isEmpty = Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
  if (isEmpty) return [`${indent}${name}: ${Array.isArray(value) ? '[]' : '{}'}`]
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object')) {
    return [`${indent}${name}: ${value.map(leafText).join(', ')}`]
  }
  return [`${indent}${name}:`, ...treeLines(value, `${indent}  `)]
}

function leafText(value: unknown): string {
  // Text of a broker is escaped: it may hold control characters of terminals.
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
