// Loads packages that are not dependencies of every user: native codecs, for example.
//
// Bundlers would follow a `require` or an `import` of such a package into native addons, which they
// cannot bundle, and warn of a `createRequire` that they cannot follow. So neither is written here.

import { isAbsolute, join } from 'node:path'

/**
 * Loads `name` (a package, or a file in one) with `require`, so synchronously.
 *
 * @param from the package that depends on it, where it is not a package of ours
 * @throws the error of `require` when the package is missing or does not load.
 */
export function requireOptional<Package>(name: string, from?: string): Package {
  const { createRequire } = process.getBuiltinModule('node:module')
  let notFound: unknown
  for (const file of callers()) {
    try {
      let require = createRequire(file)
      if (from !== undefined) require = createRequire(require.resolve(from))
      const loaded: Package = require(name)
      return loaded
    } catch (error) {
      if (!isMissing(error, from ?? name)) throw error
      notFound ??= error
    }
  }
  throw notFound
}

/**
 * The files to load from. The first is this one, where package managers put our own dependencies. In a
 * bundle in the form of an ES module it has no path; then the main program and the working directory
 * serve.
 */
function callers(): string[] {
  const files = [join(process.cwd(), 'index.js')]
  const main: string | undefined = process.argv[1]
  if (main !== undefined && isAbsolute(main)) files.unshift(main)
  if (typeof __filename === 'string' && isAbsolute(__filename)) files.unshift(__filename)
  return files
}

/** Whether the package itself was not found, rather than a part that it needs. */
function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'MODULE_NOT_FOUND' &&
    error.message.includes(`'${name}'`)
  )
}
