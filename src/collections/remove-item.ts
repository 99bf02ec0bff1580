// Takes an item out of a short list, in order. The list keeps its memory: an array that `shift` or `splice`
// empties is allocated again with the next item, and each batch passes through three of them.

/** Takes `item` out of `list` if it is there. */
export function removeItem<T>(list: T[], item: T): void {
  const at = list.indexOf(item)
  if (at < 0) return
  for (let i = at + 1; i < list.length; i++) list[i - 1] = list[i]
  list.pop()
}
