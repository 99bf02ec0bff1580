// What documents and comments point to exists: links with their anchors, and names of files.

import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withoutFileList } from './file-list.ts'
import { documents, files, read } from './files.ts'

/** Where a page is read: this one becomes the beginning of another. */
function placeOf(page: string): string {
  return page === 'test/docs/cli-head.md' ? 'docs/guide/cli.md' : page
}

/** The anchors of a page, made from its headings as hosts of repositories make them. */
function anchors(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('links', () => {
  test.each(documents)('%s', (page) => {
    const text = read(page).replaceAll(/```[\s\S]*?```/g, '')
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path, anchor] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(placeOf(page)), path))
      const isFolder = files.some((one) => one.startsWith(`${file.replace(/\/$/, '')}/`))
      expect(isFolder || files.includes(file), `${page} links to ${target}`).toBe(true)
      if (anchor !== undefined)
        expect(anchors(file), `${page} links to ${target}`).toContain(anchor)
    }
  })
})

/** Names in comments that are not files of ours: examples, and files of other programs. */
const notOurs =
  /^(node_modules|dist|\.cache|lab|target)\/|^(x|mine|app|d|name|index\.d|main\.d)\.m?[jt]s$/

describe('files that comments name', () => {
  const commented = files.filter((file) => /^(src|test|bench|scripts)\/.*\.(ts|mjs)$/.test(file))

  test.each(commented)('%s', (file) => {
    const comments = read(file)
      .split('\n')
      .filter((line) => /^\s*(\/\/|\/?\*)/.test(line))
      .join('\n')
    for (const [name] of comments.matchAll(/[\w@-][\w.@-]*(?:\/[\w.@-]+)*\.(?:ts|md|mjs)\b/g)) {
      if (notOurs.test(name)) continue
      const wanted = name.replace(/^(\.\.?\/)+/, '')
      const exists = files.some((one) => one === wanted || one.endsWith(`/${wanted}`))
      expect(exists, `${file} speaks of ${name}, which does not exist`).toBe(true)
    }
  })
})

describe('files that documents name', () => {
  const internals = documents.filter((page) => page.startsWith('docs/internals/'))

  test.each(internals)('%s', (page) => {
    const text = withoutFileList(read(page))
    for (const [, name] of text.matchAll(/`([\w./-]+\.(?:ts|mjs|md))(?=[` ])/g)) {
      const exists = files.some((one) => one === name || one.endsWith(`/${name}`))
      expect(exists, `${page} names ${name}, which does not exist`).toBe(true)
    }
  })
})
