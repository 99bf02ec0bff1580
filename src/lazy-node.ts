// Modules of Node that many programs never need, loaded at first use. Loading them takes as long as a
// third of this package does.

/** Node's modules by name. Reading one loads it, unless it is loaded already. */
export const lazyNode: {
  readonly crypto: typeof import('node:crypto')
  readonly http: typeof import('node:http')
  readonly https: typeof import('node:https')
  readonly streamWeb: typeof import('node:stream/web')
  readonly tls: typeof import('node:tls')
} = {
  get crypto() {
    return process.getBuiltinModule('node:crypto')
  },
  get http() {
    return process.getBuiltinModule('node:http')
  },
  get https() {
    return process.getBuiltinModule('node:https')
  },
  get streamWeb() {
    return process.getBuiltinModule('node:stream/web')
  },
  get tls() {
    return process.getBuiltinModule('node:tls')
  },
}
